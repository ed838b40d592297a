"""Fault 24, training: killed, stopped or with a torn checkpoint, a run on a CPU ends with an undisturbed one's bits."""

import json
from pathlib import Path

import pytest

from jobs.train import job as train
from polyglot.attempts.checkpoints import StoredCheckpoints, newest_paths, read_checkpoint
from polyglot.core.errors import Interrupted
from polyglot.store.blobs import blob_path
from polyglot.store.locate import open_store
from tests.kit.model_jobs import FolderCheckpoints, Stop, gpt2_like
from tests.kit.training import context_of, digests, prepare, record

STEPS = 5


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """GPT-2 has dropout: its resumed randomness has to be that of the undisturbed run."""
    return prepare(tmp_path_factory.mktemp("inputs"), "gpt2", gpt2_like())


@pytest.fixture(scope="module")
def undisturbed(inputs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    context = context_of(tmp_path_factory.mktemp("undisturbed"), inputs, steps=STEPS)
    train.run(context)
    return digests(context)


def stopped(root: Path, inputs: dict[str, Path], *, after: int) -> None:
    """Run until it is asked to stop, so many steps later."""
    context = context_of(root, inputs, steps=STEPS)
    context.stop_after = after
    with pytest.raises(Interrupted):
        train.run(context)


@pytest.mark.parametrize("saves", range(1, STEPS))
def test_killed_after_any_checkpoint(
    tmp_path: Path, inputs: dict[str, Path], undisturbed: dict[str, str], saves: int
) -> None:
    context = context_of(tmp_path, inputs, steps=STEPS, checkpoint_steps=1)
    context.checkpoints = FolderCheckpoints(tmp_path / "checkpoints", die_after=saves)
    with pytest.raises(Stop):
        train.run(context)
    again = context_of(tmp_path, inputs, steps=STEPS)
    train.run(again)
    assert again.volatile["resumed_from_step"] == saves
    assert digests(again) == undisturbed


def test_stopped_again_and_again(tmp_path: Path, inputs: dict[str, Path], undisturbed: dict[str, str]) -> None:
    for step in range(1, STEPS):
        context = context_of(tmp_path, inputs, steps=STEPS)
        context.stop_after = 1
        with pytest.raises(Interrupted):
            train.run(context)
        assert not list(context.out.iterdir())
        assert context.reports == [(step, STEPS, "steps")]
    last = context_of(tmp_path, inputs, steps=STEPS)
    last.stop_after = 1  # asked to stop in the last step: there is nothing left to save for
    train.run(last)
    assert digests(last) == undisturbed


FILES = {f"rank-00000-of-00001-{part}.safetensors" for part in ("weights", "exp_avg", "exp_avg_sq")} | {"state.json"}


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_newest_checkpoint_is_torn(
    tmp_path: Path, inputs: dict[str, Path], undisturbed: dict[str, str], name: str
) -> None:
    store = open_store(f"file://{tmp_path / 'store'}")
    context = context_of(tmp_path / "run", inputs, steps=STEPS, checkpoint_steps=1)
    context.checkpoints = StoredCheckpoints(store, context.stage, 1, 1)
    context.stop_after = 3
    with pytest.raises(Interrupted):
        train.run(context)
    newest = newest_paths(store, f"{context.stage.path}/attempts/")[0]
    step, files = read_checkpoint(store, newest)
    assert step == 3
    (torn,) = (tmp_path / "store" / blob_path(file.sha256) for file in files if file.path == name)
    torn.chmod(0o644)
    torn.write_bytes(torn.read_bytes()[:-1])

    again = context_of(tmp_path / "run", inputs, steps=STEPS, checkpoint_steps=1)
    again.checkpoints = StoredCheckpoints(store, again.stage, 2, 1)
    train.run(again)
    assert again.volatile["resumed_from_step"] == 2
    assert digests(again)["model/model.safetensors"] == undisturbed["model/model.safetensors"]
    assert len(record(again)["loss"]) == STEPS


def test_a_checkpoint_of_another_version_is_passed_over(
    tmp_path: Path, inputs: dict[str, Path], undisturbed: dict[str, str]
) -> None:
    stopped(tmp_path, inputs, after=2)
    path = tmp_path / "checkpoints" / "00000002" / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 0}))
    again = context_of(tmp_path, inputs, steps=STEPS)
    train.run(again)
    assert again.volatile["resumed_from_step"] == 0
    assert digests(again) == undisturbed


def test_a_checkpoint_holds_nothing_that_runs(tmp_path: Path, inputs: dict[str, Path]) -> None:
    stopped(tmp_path, inputs, after=1)
    names = {path.name for path in (tmp_path / "checkpoints" / "00000001").iterdir()}
    assert names == FILES
