"""`polyglot pin` and judge prompts by address, against servers on the loopback."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from polyglot.cli import pin
from polyglot.cli.session import open_session
from polyglot.cli.submit import keep_study
from polyglot.core.errors import BadInput, PolyglotError
from polyglot.store.blobs import blob_path
from tests.kit.bad_inputs.studies import study_text
from tests.kit.judge_rows import prompt_file
from tests.kit.versitygw import Bucket
from tests.kit.web import Page, web

COMMIT = "4d" * 20
PINNED = f"models: {{m: {{hub: us/m, revision: {COMMIT}}}}}"


def found(pages: Mapping[str, bytes]) -> dict[str, Page]:
    return {path: (200, {}, body) for path, body in pages.items()}


def test_commits_and_addresses_are_pinned_over_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tmp_path / "token"
    token.write_text("hf_sentinel\n")
    monkeypatch.setenv("HF_TOKEN_PATH", str(token))
    pages = {"/api/models/us/m/revision/main": json.dumps({"sha": COMMIT}).encode(), "/rows.jsonl": b"rows"}
    seen: list[str] = []
    path = tmp_path / "study.yaml"
    path.chmod(0o640) if path.exists() else path.touch(0o640)
    with web(found(pages), seen) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        path.write_text(f"models: {{m: {{hub: us/m}}}}  # ours\nx: {{path: '{address}/rows.jsonl'}}\n")
        pin.command(path)
        digest = hashlib.sha256(b"rows").hexdigest()
        assert path.read_text() == (
            f"{PINNED}  # ours\nx: {{path: '{address}/rows.jsonl', sha256: {digest}, bytes: 4}}\n"
        )
    assert seen == ["/api/models/us/m/revision/main Bearer hf_sentinel", "/rows.jsonl"], "the token is the hub's alone"
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_folder_of_a_bucket_is_pinned_by_what_a_model_is_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: Bucket
) -> None:
    for name, value in bucket.gateway.environment().items():
        monkeypatch.setenv(name, value)
    for name in ("model.safetensors", "config.json", "pytorch_model.bin", "deep/config.json"):
        (tmp_path / "file").write_text(name)
        bucket.store().upload(f"chat/{name}", tmp_path / "file")
    path = tmp_path / "study.yaml"
    path.write_text(f"models:\n  m:\n    prefix: s3://{bucket.name}/chat\n")
    pin.command(path)
    lines = [f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n" for name in ("config.json", "model.safetensors")]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert path.read_text() == f"models:\n  m:\n    prefix: s3://{bucket.name}/chat\n    sha256: {digest}\n"
    path.write_text(f"models: {{m: {{prefix: s3://{bucket.name}/none}}}}\n")
    with pytest.raises(PolyglotError, match="1 of 1 pins need a look"):
        pin.command(path)


def test_what_cannot_be_looked_up_is_told_and_the_rest_is_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("models: {m: {hub: us/m}, n: {hub: us/none}}\n")
    with web(found({"/api/models/us/m/revision/main": json.dumps({"sha": COMMIT}).encode()})) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(PolyglotError, match="1 of 2 pins need a look"):
            pin.command(path)
    assert path.read_text() == f"models: {{m: {{hub: us/m, revision: {COMMIT}}}, n: {{hub: us/none}}}}\n"
    assert "us/none: HTTP Error 404" in capsys.readouterr().out


def test_judge_prompts_by_address_are_in_the_store_before_anything_runs(tmp_path: Path) -> None:
    content = prompt_file(tmp_path / "p.jsonl").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    seen: list[str] = []
    with web(found({"/p.jsonl": content, "/broken.jsonl": b"{"}), seen) as address:

        def kept(name: str, data: bytes) -> str:
            file = f"{{path: '{address}/{name}', sha256: {hashlib.sha256(data).hexdigest()}, bytes: {len(data)}}}"
            (tmp_path / "study.yaml").write_text(study_text(judge=f"{{endpoint: built-in, prompts: {{DE: {file}}}}}"))
            session = open_session(tmp_path / "study.yaml", mix=None, profile="local", store=str(tmp_path / "store"))
            assert not any(name in page for page in seen), "a plan needs no network"
            keep_study(session)
            keep_study(session)
            return str(session.store.read(blob_path(sha256)).decode())

        assert kept("p.jsonl", content) == content.decode()
        assert seen == ["/p.jsonl"], "once"
        with pytest.raises(BadInput, match=r"judge prompts of DE cannot be used: .*line 1: not.*Correct the address"):
            kept("broken.jsonl", b"{")
        with pytest.raises(BadInput, match=r"judge prompts of DE cannot be used: .*the server answered 404"):
            kept("none.jsonl", b"x")
