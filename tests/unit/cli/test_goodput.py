"""`polyglot goodput` and `fetch STUDY steps`: over a store whose training was interrupted."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.attempts.traces import StepGroup
from polyglot.core.stage import PlannedStage
from polyglot.kinds.steps import STEP_COLUMNS
from tests.kit.desk import Desk

LABEL = "train tiny/house/ENDE/s0"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk.at(tmp_path, monkeypatch)


def leave(desk: Desk, planned: PlannedStage, groups: list[tuple[int, int]]) -> None:
    """A start whose steps took a millisecond each, their losses being the start's number."""
    attempts = Attempts(desk.store, planned.stage)
    start = attempts.record_start(1, {"processes": 3})
    for first, last in groups:
        rows = [dict.fromkeys(STEP_COLUMNS, 0) | {"step": step, "loss": start} for step in range(first, last + 1)]
        schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in STEP_COLUMNS.items()])
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink, write_page_checksum=True)
        group = StepGroup(first=first, last=last, seconds=0.001 * len(rows))
        attempts.leave(1, start, "steps", group.name, sink.getvalue())


@pytest.fixture
def interrupted(desk: Desk) -> Path:
    study = desk.one_mix()
    planned = desk.submitted(study).plan.find(LABEL)
    leave(desk, planned, [(1, 2), (3, 3)])
    leave(desk, planned, [(3, 4)])
    return study


def test_each_step_of_the_result_is_there_once_with_the_start_that_did_it(desk: Desk, interrupted: Path) -> None:
    for form, read in (("parquet", _parquet), ("csv", _csv), ("json", _json)):
        for _ in range(2):  # what it wrote itself it replaces
            done = desk.run("fetch", interrupted, "steps", "--as", form, "--store", desk.url, "--to", "out")
            assert (done.code, done.err) == (0, "")
        rows = read(desk.root / done.out.strip())
        found = [(int(row["step"]), float(row["loss"]), int(row["start"])) for row in rows]
        assert found == [(1, 1, 1), (2, 1, 1), (3, 2, 2), (4, 2, 2)]
        assert {(row["cell"], row["mix"]) for row in rows} == {("tiny/house/ENDE/s0", "ENDE")}


def test_goodput_counts_a_step_once_and_says_what_it_was_lost_to(desk: Desk, interrupted: Path) -> None:
    (one,) = json.loads(desk.run("goodput", interrupted, "-o", "json", "--store", desk.url).out)
    assert one["seconds"]["steps"] == pytest.approx(0.012)  # four steps of three processes
    assert one["seconds"]["lost"] == pytest.approx(0.003)
    assert (one["lost_steps"], [start["lost_steps"] for start in one["starts"]]) == (1, [1, 0])
    assert one["starts"][0]["end"].startswith("no end recorded")
    table = desk.run("goodput", interrupted, "--store", desk.url)
    assert table.out.splitlines()[1].endswith("1\tno end recorded: killed, or its machine was lost")
    assert "1 training in 2 starts" in table.err
    assert len(desk.run("goodput", interrupted, "ENDE", "--store", desk.url).out.splitlines()) == 3


def test_damage_and_strangers_are_named(desk: Desk, interrupted: Path) -> None:
    out = desk.root / "steps.csv"
    out.write_text("mine\n")
    refused = desk.run("fetch", interrupted, "steps", "--as", "csv", "--store", desk.url)
    assert (refused.code, out.read_text()) == (2, "mine\n")
    assert "there is something else already" in refused.err
    (file, *_) = sorted((desk.root / "store").glob("stages/train/*/attempts/1/steps/*"))
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-20])
    damaged = desk.run("fetch", interrupted, "steps", "--store", desk.url)
    assert damaged.code == 1
    assert file.name in damaged.err
    assert not (desk.root / "steps.parquet").exists()


def test_nothing_recorded_is_said(desk: Desk) -> None:
    study = desk.one_mix()
    desk.submitted(study)
    assert "no step of its 1 trainings is recorded yet" in desk.run("fetch", study, "steps", "--store", desk.url).err
    assert "trackers: [tensorboard]" in desk.run("fetch", study, "tensorboard", "--store", desk.url).err
    assert "no training has begun" in desk.run("goodput", study, "--store", desk.url).err
    refused = desk.run("fetch", study, "answers", "--as", "csv", "--store", desk.url)
    assert (refused.code, "answers as csv" in refused.err) == (2, True)


def _parquet(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def _csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _json(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
