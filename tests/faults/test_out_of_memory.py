"""Fault 17: over its memory a worker is killed and tried again, twice at most; then a hint names the peak."""

import re
from pathlib import Path

import pytest

from polyglot.core.stage import Resources
from tests.kit.graphs import MIB, stage
from tests.kit.world import World

SMALL = Resources(memory_bytes=192 * MIB)


@pytest.mark.parametrize("warm", [False, True])
def test_three_times_over_its_memory_is_enough(tmp_path: Path, warm: bool) -> None:
    world = World(tmp_path, warm=warm)
    one = stage("failing", "hungry", how="eat", resources=SMALL)
    reason = world.run([one]).failed[one.key]
    assert re.search(r"out of memory in 3 attempts: used \d\.\d+ GiB", reason)
    assert "allowed were 0.19 GiB; raise resources.memory" in reason
    assert len(world.executions()) == 3
    failures = [world.attempts(one).failure(n) for n in (1, 2, 3)]
    assert [failure.outcome for failure in failures if failure] == ["out-of-memory"] * 3
    assert all(failure and failure.peak_memory_bytes and failure.peak_memory_bytes > 192 * MIB for failure in failures)


def test_a_bare_sigkill_is_not_taken_for_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    one = stage("failing", "killed", how="kill", times=1, resources=SMALL)
    assert world.run([one]).failed == {}
    failure = world.attempts(one).failure(1)
    assert failure is not None
    assert (failure.outcome, failure.reason) == ("transient", "killed by SIGKILL")


def test_children_of_the_worker_count(tmp_path: Path) -> None:
    world = World(tmp_path)
    one = stage("failing", "family", how="eat-in-child", times=1, resources=SMALL)
    assert world.run([one]).failed == {}
    failure = world.attempts(one).failure(1)
    assert failure is not None
    assert failure.outcome == "out-of-memory"
