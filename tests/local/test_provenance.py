"""Numbers made again, studies held beside each other, findings taken out: a real study, from the store alone."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyglot.cli.looking import open_view
from polyglot.kinds.judge import JudgeParams
from polyglot.store.blobs import blob_path
from polyglot.store.committed import committed
from polyglot.store.locate import open_store
from polyglot.store.manifest import FileRecord, Manifest
from tests.kit.desk import Desk
from tests.kit.judge_server import ScriptedJudge, reply
from tests.kit.stages import write
from tools import crate_validator

CELL = "tiny/house/ENDE/s0"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A study that was run twice, with other steps the second time."""
    with pytest.MonkeyPatch.context() as patch:
        made = Desk.at(tmp_path_factory.mktemp("ran"), patch)
        for steps in (4, 5):
            training = f"{{steps: {steps}, max-tokens: 256, precision: float32}}"
            study = made.one_mix(training=training, datasets="{house: {built-in: instructions, validation: 8}}")
            said = made.run("submit", study, "--store", made.url)
            assert said.code == 0, said.err
        study.unlink()
        yield made


def test_a_study_is_made_again_from_nothing_with_equal_digests(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYGLOT_STATE", str(tmp_path / "of-another-user"))  # nothing of the study is in its cache
    said = desk.run("reproduce", "one#report", "--store", desk.url, "--output", "json")
    assert said.code == 0, said.err
    rows = json.loads(said.out)
    kinds = {"ingest", "base", "tokenize", "mix", "train", "answer", "judge", "aggregate", "reliability", "report"}
    assert {row["kind"] for row in rows} >= kinds
    assert {row["outcome"] for row in rows} == {"equal"}
    assert all(row["then"] == row["now"] for row in rows)


def test_a_result_that_is_not_what_its_stage_makes_is_named_with_its_file(desk: Desk, tmp_path: Path) -> None:
    """A judge's file with another score, put into the store with every digest right."""
    shutil.copytree(desk.root / "store", tmp_path / "store")
    store, url = open_store(f"file://{tmp_path}/store"), f"file://{tmp_path}/store"
    view = open_view("one", mix=None, profile="local", store=url)
    judged = next(planned for planned in view.plan if planned.stage.kind == "judge" and CELL in planned.label)
    manifest = committed(store, "judge", judged.key)
    assert manifest
    name = "verdicts/DE.jsonl"
    record = manifest.file(name)
    assert record
    text = (tmp_path / "store" / blob_path(record.sha256)).read_bytes()
    forged = re.sub(rb'"score":[\d.]+', b'"score":9.0', text, count=1)
    assert forged != text
    from polyglot.store.blobs import put_file

    source = write(tmp_path / "forged", {"DE.jsonl": forged}) / "DE.jsonl"
    new = put_file(store, source, name)
    files: tuple[FileRecord, ...] = tuple(new if one.path == name else one for one in manifest.files)
    wrong = Manifest(
        stage=manifest.stage,
        inputs=manifest.inputs,
        files=files,
        execution=manifest.execution,
        provenance=manifest.provenance,
        metrics=manifest.metrics,
        volatile=manifest.volatile,
    )
    store.delete(manifest.path)
    assert store.create(manifest.path, wrong.to_json())

    said = desk.run("reproduce", f"one#{CELL}", "--store", url, "--output", "json")
    assert said.code == 1
    assert "1 of" in said.err
    (bad,) = [row for row in json.loads(said.out) if row["outcome"] != "equal"]
    assert (bad["kind"], bad["outcome"]) == ("judge", "different")
    assert name in bad["detail"]


@pytest.mark.parametrize(
    ("text", "says"),
    [("one", "STUDY#CELL"), ("one#FRIT", "no such cell"), ("one#tiny", "2 cells fit"), ("two#ENDE/s0", "no study of")],
)
def test_what_cannot_be_made_again_is_told_in_a_line(desk: Desk, text: str, says: str) -> None:
    said = desk.run("reproduce", text, "--store", desk.url)
    assert said.code == 2
    assert says in said.err


def test_what_another_version_made_is_not_made_by_this_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage says its version, but a worker runs the code that there is."""
    monkeypatch.setattr(JudgeParams, "version", JudgeParams.version + 1)
    said = desk.run("reproduce", "one#ENDE/s0", "--store", desk.url)
    assert said.code == 2
    assert f"judge version {JudgeParams.version - 1}; expected version {JudgeParams.version}" in said.err
    assert "git " in said.err


def test_a_store_that_has_the_results_proves_nothing(desk: Desk, tmp_path: Path) -> None:
    shutil.copytree(desk.root / "store", tmp_path / "copy")
    said = desk.run("reproduce", "one#ENDE/s0", "--store", desk.url, "--into", f"file://{tmp_path}/copy")
    assert (said.code, "not an empty store" in said.err) == (2, True)
    said = desk.run("reproduce", "one#ENDE/s0", "--store", desk.url, "--into", desk.url)
    assert (said.code, "the store of the results themselves" in said.err) == (2, True)


def test_two_submissions_differ_by_the_steps_of_their_training(desk: Desk) -> None:
    said = desk.run("diff", "one~1", "one", "--store", desk.url, "--output", "json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    changed = [row for row in found["inputs"] if row["change"] == "changed"]
    assert [row["kind"] for row in changed if row["kind"] == "train"] == ["train"]
    train = next(row for row in changed if row["kind"] == "train")
    assert {"place": "steps", "then": "4", "now": "5"} in train["values"]
    assert {"answer", "judge", "aggregate"} <= {row["kind"] for row in found["inputs"] if row["change"] == "follows"}
    assert {row["name"] for row in found["means"]} == {"untuned", "ENDE"}
    assert next(row for row in found["means"] if row["name"] == "untuned")["difference"] == 0

    shown = desk.run("diff", "one~1", "one", "--store", desk.url)
    assert "2 means in exact answers, % of verdicts with score 10: " in shown.err
    (mean,) = [row for row in found["means"] if row["name"] == "untuned"]
    per_cent = [f"{100 * mean['now'][name]:.0f}" for name in ("value", "low", "high")]
    assert "untuned\t{0} ({1}–{2})\t{0} ({1}–{2})\t0.0".format(*per_cent) in shown.out

    same = desk.run("diff", "one", "one", "--store", desk.url)
    assert "all 19 stages are equal" in same.err or "stages are equal" in same.err
    assert desk.run("diff", "one~7", "one", "--store", desk.url).code == 2


@pytest.mark.parametrize("form", ["latex", "parquet", "csv", "json", "svg", "pdf", "site", "ro-crate"])
def test_findings_are_a_folder_that_is_replaced_and_no_others(desk: Desk, tmp_path: Path, form: str) -> None:
    target = tmp_path / "taken"
    arguments = ("export", "one", "--as", form, "--to", target, "--store", desk.url)
    for _ in range(2):
        said = desk.run(*arguments)
        assert said.code == 0, said.err
    paths = [Path(line) for line in said.out.splitlines()]
    assert paths
    assert all(path.stat().st_size for path in paths)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.tex").write_text("mine")
    refused = desk.run(*arguments[:5], tmp_path / "own", *arguments[6:])
    assert (refused.code, (tmp_path / "own" / "thesis.tex").read_text()) == (2, "mine")


def test_a_crate_has_every_stage_as_an_action_and_each_file_once(desk: Desk, tmp_path: Path) -> None:
    crate = ("export", "one", "--as", "ro-crate", "--store", desk.url)
    said = desk.run(*crate, "--to", tmp_path / "c", "--author", "Doe, J.")
    assert said.code == 0, said.err
    graph = json.loads((tmp_path / "c" / "ro-crate-metadata.json").read_text())["@graph"]
    by_id = {entity["@id"]: entity for entity in graph}
    assert len(by_id) == len(graph)
    actions = [entity for entity in graph if entity["@type"] == "CreateAction"]
    view = open_view("one", mix=None, profile="local", store=desk.url)
    assert {f"#{planned.key}" for planned in view.plan} == {action["@id"] for action in actions}
    files = [entity for entity in graph if entity["@type"] == "File"]
    assert all((tmp_path / "c" / entity["@id"]).is_file() for entity in files)
    assert not [entity for entity in files if entity["@id"].endswith(".safetensors")]
    held = [path for path in (tmp_path / "c" / "results" / "ingest").rglob("*") if path.is_file()]
    assert {path.name for path in held} == {"card.json"}  # no row of a data set, of questions or of references
    assert "Doe" in (tmp_path / "c" / "CITATION.cff").read_text()
    assert crate_validator.validate(tmp_path / "c") == ""
    metadata = tmp_path / "c" / "ro-crate-metadata.json"
    metadata.write_text(metadata.read_text().replace('"datePublished"', '"dateForgotten"'))
    assert "datePublished" in crate_validator.validate(tmp_path / "c")
    whole = desk.run(*crate, "--whole", "--to", tmp_path / "w")
    assert whole.code == 0, whole.err
    assert list((tmp_path / "w").rglob("*.safetensors"))
    assert list((tmp_path / "w").rglob("validation/EN.jsonl"))

    before = (tmp_path / "c" / "study" / "study.yaml").read_text()
    other = desk.one_mix(training="{steps: 6, max-tokens: 256, precision: float32}", mixes="[EN]")
    said = desk.run("submit", other, "--data-only", "--store", desk.url)
    assert said.code == 0, said.err
    other.unlink()
    assert desk.run(*crate, "--to", tmp_path / "again").code == 0
    assert (tmp_path / "again" / "study" / "study.yaml").read_text() == before  # of what was run, not of what came last


def test_a_paid_judge_is_asked_again_only_when_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its verdicts are compared with nothing until then; what they were given on is made again all the same."""
    desk = Desk.at(tmp_path, monkeypatch)
    mood = ["[[7]]"]
    judge = "{endpoint: openai, model: m, price-usd-per-mtok-prompt: 1000, price-usd-per-mtok-completion: 1000}"
    study = desk.one_mix(judge=judge, budget="{usd: 1000}", untuned="false")
    with ScriptedJudge(lambda call: reply(mood[0])) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        said = desk.run("submit", study, "--store", desk.url)
        assert said.code == 0, said.err
        asked = len(server.calls)

        said = desk.run("reproduce", "one#ENDE/s0", "--store", desk.url, "--output", "json")
        assert said.code == 0, said.err
        assert len(server.calls) == asked
        outcomes = {row["kind"]: row["outcome"] for row in json.loads(said.out)}
        assert (outcomes["answer"], outcomes["judge"]) == ("equal", "not asked")

        mood[0] = "[[6]]"
        said = desk.run("reproduce", "one#ENDE/s0", "--ask", "--store", desk.url, "--output", "json")
        assert said.code == 0, said.err
        assert "USD were paid then" in said.err
        assert len(server.calls) > asked
        outcomes = {row["kind"]: row["outcome"] for row in json.loads(said.out)}
        assert (outcomes["answer"], outcomes["judge"]) == ("equal", "asked anew")
