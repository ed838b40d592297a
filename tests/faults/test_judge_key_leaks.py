"""Fault 30: a sentinel key goes to the endpoint and nowhere else, not into logs, records, verdicts or errors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import judge_server as js
from tests.kit.judge_small import FINE, stage

CHECKOUT = Path(__file__).parents[2]
SENTINEL = "sk-sentinel-b3f1c7a9"


def everything_written(root: Path, output: bytes) -> bytes:
    return output + b"".join(path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file())


def run_with_key(root: Path, by: str, key_file: Path) -> tuple[int, bytes]:
    """Run the stage in a process of its own at debug level, with the key given in one of both ways."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    environ |= {"OPENAI_API_KEY": SENTINEL} if by == "variable" else {"OPENAI_API_KEY_FILE": str(key_file)}
    environ |= {"OPENAI_LOG": "debug"}
    command = [sys.executable, "-X", "dev", "-m", "tests.kit.judge_stage", str(root)]
    ran = subprocess.run(command, cwd=CHECKOUT, env=environ, capture_output=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(SENTINEL)
    return path


@pytest.mark.parametrize("by", ["variable", "file"])
def test_the_key_arrives_and_is_written_nowhere(tmp_path: Path, key_file: Path, by: str) -> None:
    def echoing(call: js.Call) -> js.Step:
        """Servers quote the key in errors, and a malicious one in its reply."""
        said = f"{call.headers['authorization']} is too fast"
        if call.nth == 1:
            return js.status(500, said)
        return js.reply(f"Your header was {call.headers['authorization']}. {FINE}")

    with js.ScriptedJudge(echoing) as server:
        root = stage(tmp_path / "stage", server.base_url, settings={"timeout_seconds": 10})
        status, output = run_with_key(root, by, key_file)
    assert status == 0, output.decode()
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {SENTINEL}"}
    written = everything_written(root, output)
    assert b"Bearer [key]" in written
    assert SENTINEL.encode() not in written


@pytest.mark.parametrize(
    "step", [js.status(401, f"Incorrect API key provided: {SENTINEL}."), js.status(400, f"odd: {SENTINEL}"), js.reset()]
)
def test_the_key_is_in_no_error(tmp_path: Path, key_file: Path, step: js.Step) -> None:
    with js.ScriptedJudge(lambda call: step) as server:
        root = stage(tmp_path / "stage", server.base_url, count=1)
        status, output = run_with_key(root, "file", key_file)
    assert status != 0
    assert b"polyglot.core.errors" in output
    assert SENTINEL.encode() not in everything_written(root, output)


def test_no_key_means_no_authorization_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.kit.judge_small import run

    for name in ("OPENAI_API_KEY", "OPENAI_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    with js.ScriptedJudge(lambda call: js.reply(FINE)) as server:
        run(stage(tmp_path, server.base_url, count=1))
    assert all("authorization" not in call.headers for call in server.calls)
    assert "authorization" not in json.dumps([dict(call.headers) for call in server.calls])
