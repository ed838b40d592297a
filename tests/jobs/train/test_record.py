"""What a training leaves of its steps: rows in Parquet, TensorBoard's events, and whoever else is told."""

import io
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tensorboardX.proto import event_pb2

from jobs.train import job as train
from polyglot.attempts.traces import StepGroup
from polyglot.core.errors import Interrupted, Permanent
from polyglot.kinds.steps import STEP_COLUMNS
from tests.kit.model_jobs import ModelContext
from tests.kit.training import context_of, digests, prepare, record

# a stand-in for W&B's package, of what accelerate's tracker calls of it
_WANDB = """
import sys
calls = []
class config:
    update = staticmethod(lambda values, **more: calls.append(("config", values)))
class Run:
    def log(self, values, step): {log}
    def finish(self): calls.append(("finish",))
def init(**given):
    calls.append(("init", given))
    return Run()
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = prepare(tmp_path_factory.mktemp("inputs"))
    return {**found, "validation:DE": found["tokens:DE"]}


def left(context: ModelContext, trace: str) -> list[Path]:
    return sorted((context.out.parent / "left" / trace).glob("*"))


def rows(context: ModelContext) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for file in left(context, "steps"):
        own = pq.read_table(io.BytesIO(file.read_bytes()), page_checksum_verification=True).to_pylist()
        group = StepGroup.of_name(file.name)
        assert group is not None
        assert (group.first, group.last) == (own[0]["step"], own[-1]["step"])
        assert group.seconds == pytest.approx(sum(row["seconds"] for row in own), abs=0.001)
        assert group.validation_seconds == pytest.approx(sum(row["validation_seconds"] for row in own), abs=0.001)
        assert group.checkpoint_seconds == pytest.approx(sum(row["checkpoint_seconds"] for row in own), abs=0.001)
        found += own
    return found


def events(file: Path) -> Iterator[Any]:
    """The events of TensorBoard's file: length, its checksum, event, its checksum."""
    data, at = file.read_bytes(), 0
    while at < len(data):
        (length,) = struct.unpack("<Q", data[at : at + 8])
        yield event_pb2.Event.FromString(data[at + 12 : at + 12 + length])
        at += 16 + length


def scalars(context: ModelContext) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for event in events(context.out.parent / "events"):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


@pytest.fixture(scope="module")
def runs(inputs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelContext]:
    """One run alone; the same, told to TensorBoard and stopped after four steps, and the start that ended it."""
    root = tmp_path_factory.mktemp("runs")
    found = {"alone": context_of(root / "alone", inputs, validate_every=3, checkpoint_steps=2)}
    train.run(found["alone"])
    found["first"] = context_of(root / "first", inputs, validate_every=3, settings={"trackers": ["tensorboard"]})
    found["first"].stop_after = 4
    with pytest.raises(Interrupted):
        train.run(found["first"])
    found["second"] = context_of(root / "second", inputs, validate_every=3, settings={"trackers": ["tensorboard"]})
    found["second"].checkpoints = found["first"].checkpoints
    train.run(found["second"])
    for name in ("first", "second"):
        data = b"".join(file.read_bytes() for file in left(found[name], "tensorboard"))
        (found[name].out.parent / "events").write_bytes(data)
    return found


def test_each_step_has_a_row_with_what_the_result_says_of_it_too(runs: dict[str, ModelContext]) -> None:
    found, said = rows(runs["alone"]), record(runs["alone"])
    assert [row["step"] for row in found] == [1, 2, 3, 4, 5, 6]
    assert list(found[0]) == list(STEP_COLUMNS)
    for name, column in (("loss", "loss"), ("gradient_norm", "gradient_norm"), ("learning_rate", "learning_rate")):
        assert [row[column] for row in found] == said[name]
    assert sum(row["samples"] for row in found) == said["samples"]
    assert sum(row["supervised_tokens"] for row in found) == sum(said["loss_tokens_per_language"].values())
    assert [row["validation_seconds"] > 0 for row in found] == [False, False, True, False, False, True]
    assert [row["checkpoint_seconds"] > 0 for row in found] == [False, True, False, True, False, False]
    for row in found:
        assert row["tokens_per_second"] == pytest.approx(row["tokens"] / row["seconds"])
        assert row["mfu"] is None  # nobody knows a processor's peak
        assert row["peak_memory_bytes"] > 10**7
    assert runs["alone"].volatile["data_seconds"] >= 0


def test_groups_end_where_checkpoints_are_made(runs: dict[str, ModelContext]) -> None:
    groups = [StepGroup.of_name(file.name) for file in left(runs["alone"], "steps")]
    assert [(group.first, group.last) for group in groups if group] == [(1, 2), (3, 4), (5, 6)]


def test_an_interrupted_start_leaves_its_steps_and_the_next_one_the_rest(runs: dict[str, ModelContext]) -> None:
    assert [row["step"] for row in rows(runs["first"])] == [1, 2, 3, 4]
    assert [row["step"] for row in rows(runs["second"])] == [5, 6]
    assert digests(runs["second"]) == digests(runs["alone"])  # nothing of it is in the result


def test_tensorboard_reads_every_step_and_where_a_start_went_on(runs: dict[str, ModelContext]) -> None:
    first, second = scalars(runs["first"]), scalars(runs["second"])
    assert {**first["train/loss"], **second["train/loss"]} == pytest.approx(
        dict(enumerate(record(runs["alone"])["loss"], 1)), rel=1e-6
    )
    assert sorted(first["validation/DE"]) == [3]
    assert sorted(second["validation/DE"]) == [6]
    assert {"train/grad_norm", "train/learning_rate", "speed/tokens_per_second"} <= first.keys()
    began = [event.step for event in events(runs["second"].out.parent / "events") if event.HasField("session_log")]
    assert began == [5]  # what an earlier start said of this step and later ones does not count


def test_a_tracker_that_is_not_installed_is_refused_before_anything_is_loaded(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    context = context_of(tmp_path, {"base": tmp_path / "nothing"}, settings={"trackers": ["tensorboard", "mlflow"]})
    with pytest.raises(Permanent, match="mlflow is named and the package mlflow is not installed here; install it"):
        train.run(context)


@pytest.mark.parametrize("broken", [False, True])
def test_an_installed_tracker_is_told_and_one_that_fails_ends_no_training(
    inputs: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    broken: bool,
) -> None:
    log = 'raise OSError("no network")' if broken else 'calls.append(("log", values, step))'
    (tmp_path / "wandb.py").write_text(_WANDB.format(log=log))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.setenv("WANDB_API_KEY", "")  # so that it is afterwards as it was
    monkeypatch.delenv("WANDB_API_KEY")
    (tmp_path / "WANDB_API_KEY").write_text("a key in a file")
    monkeypatch.setenv("POLYGLOT_TRACKER_KEYS", str(tmp_path))
    context = context_of(tmp_path / "run", inputs, settings={"trackers": ["wandb"]})
    context.label = "train tiny/s0"
    train.run(context)
    calls = sys.modules.pop("wandb").calls
    given = calls[0][1]
    assert (given["project"], given["name"], given["resume"]) == ("polyglot", "train tiny/s0", "allow")
    assert given["id"] == context.stage.key[:32]
    assert os.environ["WANDB_API_KEY"] == "a key in a file"
    assert ("config", "batch_size") in [(call[0], "batch_size") for call in calls if "batch_size" in str(call[1:])]
    warned = [record.getMessage() for record in caplog.records if "tracker wandb" in record.getMessage()]
    if broken:
        assert warned == ["tracker wandb is told nothing more: OSError: no network"]
    else:
        assert [call[2] for call in calls if call[0] == "log" and "train/loss" in call[1]] == [1, 2, 3, 4, 5, 6]
        assert (calls[-1], warned) == (("finish",), [])


def test_a_store_that_refuses_is_one_warning(
    inputs: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class RefusedContext(ModelContext):
        def leave(self, trace: str, name: str, data: bytes) -> None:
            raise OSError("the store is away")

    context = context_of(tmp_path, inputs, steps=2)
    context.__class__ = RefusedContext
    train.run(context)
    assert [record.getMessage() for record in caplog.records if "was not stored" in record.getMessage()] == [
        "the record of the last steps was not stored: the store is away"
    ]
