"""`polyglot fetch`: results as plain files, from the store alone, and what others make of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from polyglot.cli.looking import open_view
from polyglot.core.canonical import sha256_file
from polyglot.store.committed import committed
from polyglot.store.locate import open_store
from tests.kit.desk import Desk
from tests.kit.hub_server import serve
from tests.kit.versitygw import Bucket

LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
CELL = "tiny/house/ENDE/s0"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A study that was run, looked at from a folder without its file."""
    with pytest.MonkeyPatch.context() as patch:
        made = Desk.at(tmp_path_factory.mktemp("ran"), patch)
        study = made.one_mix(datasets="{house: {built-in: instructions, licence: CC-BY-4.0}}")
        said = made.run("submit", study, "--store", made.url)
        assert said.code == 0, said.err
        study.unlink()
        yield made


def fetch(desk: Desk, *arguments: str | Path) -> list[Path]:
    said = desk.run("fetch", "one", *arguments, "--store", desk.url)
    assert said.code == 0, said.err
    return [Path(line) for line in said.out.splitlines()]


def test_a_model_is_asked_in_plain_transformers_as_the_study_asked_it(desk: Desk, tmp_path: Path) -> None:
    (folder,) = fetch(desk, "model", "ENDE/s0", "--to", tmp_path)
    assert folder.name == "tiny-house-ENDE-s0"
    card = (folder / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---")[1])
    assert front["language"] == ["de", "en"]
    assert "- data: house, licence CC-BY-4.0" in card
    assert "steps 4" in card
    systems = dict(line[2:].split(": ", 1) for line in card.splitlines() if line[2:4] in LANGUAGES and line[0] == "-")
    assert set(systems) == set(LANGUAGES)
    scores = [line for line in card.splitlines() if line.startswith("| DE ")]
    assert len(scores) == 1

    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    (answers,) = fetch(desk, "answers", CELL, "--to", tmp_path / "answers")
    (questions,) = fetch(desk, "questions", "--to", tmp_path / "questions")
    for language in ("EN", "DE"):
        asked = [json.loads(line) for line in (questions / f"{language}.jsonl").read_text().splitlines()][:8]
        said = {
            row["id"]: row
            for line in (answers / f"{language}.jsonl").read_text().splitlines()
            if (row := json.loads(line))
        }
        for question in asked:
            messages = [{"role": "system", "content": systems[language]}]
            messages.append({"role": "user", "content": question["turns"][0]})
            prompt = tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
            with torch.no_grad():
                made = model.generate(**prompt, max_new_tokens=6, do_sample=False)[0]
            text = tokenizer.decode(made[prompt["input_ids"].shape[1] :], skip_special_tokens=True)
            assert text.strip() == said[question["id"]]["turns"][0]["text"].strip()


def test_what_is_there_already_is_left_alone_and_nothing_else_is_overwritten(desk: Desk, tmp_path: Path) -> None:
    (folder,) = fetch(desk, "model", CELL, "--to", tmp_path)
    assert fetch(desk, "model", CELL, "--to", tmp_path) == [folder]
    (folder / "README.md").write_text("ours")
    said = desk.run("fetch", "one", "model", CELL, "--to", tmp_path, "--store", desk.url)
    assert said.code == 2
    assert "there is something else already; got another README.md in it" in said.err
    assert (folder / "README.md").read_text() == "ours"
    assert list((tmp_path / "model").iterdir()) == [folder], "nothing half-written is left"


@pytest.mark.parametrize(
    ("what", "folders", "files"),
    [
        ("model", ["tiny", "tiny-house-ENDE-s0"], None),
        ("answers", ["tiny-house-ENDE-s0", "tiny-untuned"], LANGUAGES),
        ("verdicts", ["tiny-house-ENDE-s0", "tiny-untuned"], LANGUAGES),
        ("data", ["house"], ("DE", "EN")),
        ("questions", ["benchmark-questions"], LANGUAGES),
        ("references", ["benchmark-references"], LANGUAGES),
    ],
)
def test_all_of_a_kind_are_taken_out_byte_for_byte(
    desk: Desk, tmp_path: Path, what: str, folders: list[str], files: tuple[str, ...] | None
) -> None:
    found = fetch(desk, what, "--to", tmp_path)
    assert sorted(path.name for path in found) == folders
    for folder in found if files else ():
        assert {path.stem for path in folder.iterdir()} >= set(files or ())
    if what == "answers":
        paths = (entry.path for entry in desk.store.list("stages/answer/") if entry.path.endswith("manifest.json"))
        manifests = [committed(desk.store, "answer", path.split("/")[2]) for path in paths]
        committed_files = {record.sha256 for manifest in manifests if manifest for record in manifest.files}
        assert {sha256_file(path) for folder in found for path in folder.iterdir()} <= committed_files


def test_answers_and_verdicts_of_all_cells_are_one_table_each(desk: Desk, tmp_path: Path) -> None:
    (path,) = fetch(desk, "answers", "--as", "parquet", "--to", tmp_path)
    (graded,) = fetch(desk, "verdicts", "--as", "parquet", "--to", tmp_path)
    answers, verdicts = pq.read_table(path).to_pylist(), pq.read_table(graded).to_pylist()
    cells = {(row["cell"], row["model"], row["mix"], row["seed"]) for row in answers}
    assert cells == {("tiny/untuned", "tiny", None, None), (CELL, "tiny", "ENDE", 0)}
    where = [(row["cell"], row["language"], row["id"], row["turn"]) for row in answers]
    assert len(set(where)) == len(where) == 2 * 5 * 80 * 2
    assert {(row["cell"], row["language"], row["id"], row["turn"]) for row in verdicts} == set(where)
    (folder,) = fetch(desk, "answers", CELL, "--to", tmp_path / "files")
    line = json.loads((folder / "FR.jsonl").read_text().splitlines()[0])
    row = next(
        row for row in answers if (row["cell"], row["language"], row["id"], row["turn"]) == (CELL, "FR", line["id"], 2)
    )
    assert row["text"] == line["turns"][1]["text"]


def test_all_of_it_is_there_from_a_bucket_without_a_file_of_the_study(
    desk: Desk, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.gateway.environment().items():
        monkeypatch.setenv(name, value)
    far = open_store(bucket.url)
    for entry in desk.store.list(""):
        target = tmp_path / "object"
        desk.store.download(entry.path, target)
        far.upload(entry.path, target)
        target.unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for verb in (("status", "one"), ("why", "report"), ("watch", "one"), ("logs", "one", "report"), ("plan", "x.yaml")):
        near, there = (desk.run(*verb, "--store", url) for url in (desk.url, far.url))
        assert (there.code, there.out) == (near.code, near.out), there.err
    assert desk.run("status", "one", "--store", far.url).out.count("committed") > 10
    rows = [json.loads(desk.run("list", "--store", url, "-o", "json").out)[0] for url in (desk.url, far.url)]
    assert {**rows[0], "submitted": ""} == {**rows[1], "submitted": ""}
    assert desk.run("report", "one", "--store", far.url, "--out", tmp_path / "out").code == 0
    assert "nothing to retry" in desk.run("retry", "--all", "one", "--store", far.url).err
    for what in ("model", "answers", "verdicts", "data", "questions", "references"):
        found = []
        for name, url in (("near", desk.url), ("far", far.url)):
            said = desk.run("fetch", "one", what, "--to", tmp_path / name, "--store", url)
            assert said.code == 0, said.err
            root = tmp_path / name
            found.append({str(path.relative_to(root)): sha256_file(path) for path in root.rglob("*") if path.is_file()})
        assert found[0] == found[1]
        assert found[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("model", "nope"), "no model of this name; got 'nope'; expected one of tiny, tiny/house/ENDE/s0"),
        (("data", "--as", "parquet"), "--as: no table; got data; expected answers, verdicts, comparisons or steps"),
    ],
)
def test_what_is_not_there_is_told(desk: Desk, tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    said = desk.run("fetch", "one", *arguments, "--to", tmp_path, "--store", desk.url)
    assert said.code == 2
    assert expected in said.err


def test_the_studies_of_a_store_are_listed(desk: Desk) -> None:
    said = desk.run("list", "--store", desk.url, "-o", "json")
    assert said.code == 0, said.err
    (row,) = json.loads(said.out)
    assert (row["study"], row["state"], row["usd"]) == ("one", "committed", 0.0)
    assert row["done"] == row["stages"] > 10
    assert row["submitted"].endswith("+00:00")


def test_a_model_is_served_by_the_command_that_is_printed(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("serve", "one", "ENDE/s0", "--to", tmp_path / "m", "--port", "8123", "--store", desk.url)
    said = desk.run(*asked)
    folder = tmp_path / "m" / "tiny-house-ENDE-s0"
    listens = "--host 127.0.0.1 --port 8123"
    assert said.out == f"vllm serve {folder} --served-model-name {CELL} {listens}\n", said.err
    assert (folder / "config.json").is_file()
    monkeypatch.setenv("PATH", str(tmp_path))
    without = desk.run(*asked, "--run")
    assert (without.code, "vLLM is not on the PATH" in without.err) == (2, True)
    assert without.err.startswith(said.out), "the command that the remedy speaks of"
    (tmp_path / "vllm").write_text('#!/bin/sh\necho "vllm $*" > "$1.said"\n')
    (tmp_path / "vllm").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "polyglot", *map(str, asked), "--run"], cwd=tmp_path, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0
    assert (tmp_path / "serve.said").read_text() == said.out


def test_a_model_is_pushed_to_a_repository_as_it_is_fetched(desk: Desk, tmp_path: Path) -> None:
    token = tmp_path / "token"
    with serve(write_token="hf_sentinel") as hub:
        # the library of the hub reads these once, when it is imported
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": hub.endpoint, "HF_TOKEN_PATH": str(token),
            "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "home"),
        }  # fmt: skip
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            environment.pop(name, None)

        def push(repository: str, secret: str, *more: str) -> "subprocess.CompletedProcess[str]":
            token.write_text(secret)
            command = [sys.executable, "-m", "polyglot", "push", "one", "ENDE/s0", repository, "--store", desk.url]
            command += more
            return subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)

        refused = push("lab/ende", "hf_others")
        assert refused.returncode == 1
        assert "Set HF_TOKEN_PATH to a file with a token that may write it" in refused.stderr
        assert "hf_others" not in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1
        assert hub.written == {}
        done = push("lab/ende", "hf_sentinel")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{hub.endpoint}/lab/ende/commit/")
        assert done.stderr == "", "no progress bars where nobody watches"
        public = push("lab/ende", "hf_sentinel", "--public")
        assert public.returncode == 0, public.stderr
        assert public.stderr.splitlines()[-1] == "lab/ende was there and is private: its visibility is left as it is"
    (folder,) = fetch(desk, "model", CELL, "--to", tmp_path / "fetched")
    assert hub.written["lab/ende"] == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert hub.messages[0].startswith("one: tiny/house/ENDE/s0 (stage ")


@contextmanager
def away(path: Path, data: bytes | None = None) -> Iterator[None]:
    """A file of the store is not there, or is of other bytes, until the block ends."""
    before = path.read_bytes()
    path.chmod(0o644)
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    yield
    path.unlink(missing_ok=True)
    path.write_bytes(before)


def manifest_path(desk: Desk, label: str) -> Path:
    planned = open_view("one", mix=None, profile="local", store=desk.url).plan.find(label)
    return desk.root / "store" / "stages" / planned.stage.kind / planned.key / "manifest.json"


def blob_of(desk: Desk, label: str, name: str) -> Path:
    files = json.loads(manifest_path(desk, label).read_bytes())["files"]
    (sha256,) = (record["sha256"] for record in files if record["path"].endswith(name))
    return desk.root / "store" / "blobs" / "sha256" / sha256[:2] / sha256


@pytest.mark.parametrize("form", ["files", "parquet"])
def test_a_damaged_result_is_not_one_that_is_not_computed_yet(desk: Desk, tmp_path: Path, form: str) -> None:
    blob = blob_of(desk, f"answer {CELL}", "DE.jsonl")
    with away(blob, blob.read_bytes()[:-1] + b" "):
        said = desk.run("fetch", "one", "answers", "--as", form, "--to", tmp_path, "--store", desk.url)
    assert said.code == 1
    assert "was recorded" in said.err
    assert "computed" not in said.err


@pytest.mark.parametrize("form", ["files", "parquet"])
def test_what_is_there_of_a_study_that_goes_on_is_taken(desk: Desk, tmp_path: Path, form: str) -> None:
    with away(manifest_path(desk, f"judge {CELL}")):
        asked = ("fetch", "one", "verdicts", "--as", form, "--to", tmp_path, "--store", desk.url)
        said = desk.run(*asked)
        (path,) = map(Path, said.out.splitlines())
        one = desk.run(*asked[:3], CELL, *asked[3:])
    assert (said.code, one.code) == (0, 1)
    assert said.err.count("\n") == 1
    assert f"judge {CELL}: not computed yet" in said.err
    assert f"judge {CELL}: not computed yet" in one.err
    if form == "parquet":
        assert {row["cell"] for row in pq.read_table(path).to_pylist()} == {"tiny/untuned"}
    else:
        assert path.name == "tiny-untuned"


def test_a_table_replaces_its_like_and_nothing_else(desk: Desk, tmp_path: Path) -> None:
    asked = ("fetch", "one", "verdicts", "--as", "parquet", "--to", tmp_path, "--store", desk.url)
    path = tmp_path / "verdicts.parquet"
    assert (desk.run(*asked).code, desk.run(*asked).code) == (0, 0)
    pq.write_table(pq.read_table(path).select(["cell", "score"]), path)
    ours = path.read_bytes()
    said = desk.run(*asked)
    assert (said.code, path.read_bytes() == ours) == (2, True)
    assert f"{path}: there is something else already; got a file that polyglot did not write so" in said.err
    path.unlink()
    path.mkdir()
    said = desk.run(*asked)
    assert said.code == 2
    assert f"{path}: there is something else already; got a folder" in said.err
    assert list(tmp_path.iterdir()) == [path]


def test_a_card_from_before_the_scores_becomes_the_one_with_them_and_no_weight_is_fetched_again(
    desk: Desk, tmp_path: Path
) -> None:
    aggregate = next((desk.root / "store" / "stages" / "aggregate").iterdir()) / "manifest.json"
    with away(aggregate):
        (folder,) = fetch(desk, "model", CELL, "--to", tmp_path)
    card = folder / "README.md"
    before = card.read_text(encoding="utf-8")
    assert "## Scores" not in before
    weights = (folder / "model.safetensors").stat()
    with away(blob_of(desk, f"train {CELL}", "model.safetensors")):
        assert fetch(desk, "model", CELL, "--to", tmp_path) == [folder]
        after = card.read_text(encoding="utf-8")
        assert "| DE " in after
        assert fetch(desk, "model", CELL, "--to", tmp_path) == [folder]
        for name, other in (("README.md", before.replace("ENDE", "ours")), ("config.json", "{}"), ("more", "ours")):
            path = folder / name
            kept = path.read_bytes() if path.exists() else None
            path.write_text(other, encoding="utf-8")
            said = desk.run("fetch", "one", "model", CELL, "--to", tmp_path, "--store", desk.url)
            assert said.code == 2
            assert f"there is something else already; got {'' if kept is None else 'another '}{name} in it" in said.err
            assert path.read_text(encoding="utf-8") == other
            path.unlink() if kept is None else path.write_bytes(kept)
    assert (folder / "model.safetensors").stat().st_mtime_ns == weights.st_mtime_ns
    assert card.read_text(encoding="utf-8") == after
    assert list((tmp_path / "model").iterdir()) == [folder]


@pytest.mark.parametrize("verb", ["fetch", "serve"])
@pytest.mark.parametrize("link", [False, True])
def test_a_place_that_is_no_folder_is_told_with_its_option(desk: Desk, tmp_path: Path, verb: str, link: bool) -> None:
    place = tmp_path / "place"
    place.symlink_to(tmp_path / "nothing") if link else place.write_text("ours")
    words = ("fetch", "one", "model", CELL) if verb == "fetch" else ("serve", "one", CELL)
    needs = "--to: what is fetched needs a folder" if verb == "fetch" else "--to: the model needs a folder"
    said = desk.run(*words, "--to", place, "--store", desk.url)
    assert said.code == 2
    assert f"{needs}; got {place}, which is a {'link to nothing' if link else 'file'}" in said.err
    assert "--out" not in said.err
    below = tmp_path / "below" / ("model" if verb == "fetch" else "") / "tiny-house-ENDE-s0"
    below.parent.mkdir(parents=True)
    place.rename(below)
    said = desk.run(*words, "--to", tmp_path / "below", "--store", desk.url)
    assert said.code == 2
    assert f"{below}: there is something else already; got a {'link to nothing' if link else 'file'}" in said.err


@pytest.mark.parametrize("form", ["files", "parquet"])
def test_a_place_that_cannot_be_written_is_told(desk: Desk, form: str) -> None:
    said = desk.run("fetch", "one", "answers", "--as", form, "--to", "/proc/polyglot", "--store", desk.url)
    assert said.code == 2
    assert "/proc" in said.err
    assert len(said.err.splitlines()) == 1


def test_a_base_model_is_called_as_its_cell_too_and_its_card_speaks_of_no_seeds(desk: Desk, tmp_path: Path) -> None:
    (folder,) = fetch(desk, "model", "tiny/untuned", "--to", tmp_path)
    assert folder.name == "tiny"
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "| DE " in card
    assert "seeds" not in card
    (tuned,) = fetch(desk, "model", CELL, "--to", tmp_path)
    assert "over all training seeds of this mix (1)" in (tuned / "README.md").read_text(encoding="utf-8")
