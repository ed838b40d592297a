"""Fault 24: a kill between the files of a checkpoint, or a newest that is damaged: the newest that verifies wins."""

from pathlib import Path

import pytest

from polyglot.attempts.checkpoints import newest_paths, read_checkpoint
from polyglot.core.stage import PlannedStage
from polyglot.schedulers.local.lock import KeyLocks
from polyglot.store.blobs import blob_path
from polyglot.store.committed import committed
from tests.kit.graphs import stage
from tests.kit.world import AT_ONCE, World, end, until


def steps() -> PlannedStage:
    return stage("steps", "slow", steps=200, seconds=0.05)


def interrupted(root: Path) -> World:
    """A world whose stage was killed after a few checkpoints."""
    world = World(root)
    driver = world.drive("slow")
    try:
        until(lambda: len(checkpoints(world)) >= 4)
    finally:
        end(driver)
    return world


def checkpoints(world: World) -> list[str]:
    return newest_paths(world.store, f"{steps().stage.path}/attempts/")


@pytest.mark.parametrize("damage", ["truncated blob", "missing blob", "truncated record", "missing record"])
def test_the_newest_checkpoint_that_verifies_is_used_and_the_result_is_the_same(tmp_path: Path, damage: str) -> None:
    world = interrupted(tmp_path)
    folder = tmp_path / "store"
    works = KeyLocks(world.state / "locks", world.url).held
    until(lambda: not works(steps().key))  # its worker saved once more, and is gone
    newest, second, *_ = checkpoints(world)
    step, files = read_checkpoint(world.store, newest)
    victim = folder / (newest if "record" in damage else blob_path(files[0].sha256))
    victim.chmod(0o644)
    if "truncated" in damage:
        victim.write_bytes(victim.read_bytes()[:-1])
    else:
        victim.unlink()

    assert world.run([steps()], **AT_ONCE).committed == 1
    assert world.executions()[-1]["resumed"] == read_checkpoint(world.store, second)[0] < step
    value = 1
    for _ in range(200):
        value = value * 31 % 1_000_003
    manifest = committed(world.store, "steps", steps().key)
    assert manifest is not None
    assert (folder / blob_path(manifest.files[0].sha256)).read_text() == str(value)
