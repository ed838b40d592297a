"""Fault 17: over its memory a worker is killed; the next attempt gets more, up to what its place can give."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyglot.attempts.attempts import Failure
from polyglot.attempts.history import History
from polyglot.core.stage import Resources
from polyglot.engine.survey import survey
from polyglot.engine.why import explain
from polyglot.schedulers.local.budget import Budget
from tests.kit.graphs import GRAPHS, MIB, stage
from tests.kit.world import World, end

SMALL = Resources(memory_bytes=192 * MIB)
_CGROUPS = Path("/sys/fs/cgroup/memory")


@pytest.mark.parametrize("warm", [False, True])
def test_the_next_attempt_has_twice_the_memory(tmp_path: Path, warm: bool) -> None:
    world = World(tmp_path, warm=warm)
    one = stage("failing", "hungry", how="need", mib=240, resources=SMALL)
    assert world.run([one]).failed == {}
    assert len(world.executions()) == 2
    failure = world.attempts(one).failure(1)
    assert failure is not None
    assert (failure.outcome, failure.had) == ("out-of-memory", 192 * MIB)
    given = "0.38 GiB of memory instead of 0.19"
    ((_, said),) = world.recorder.of("retrying")
    assert said.endswith(f"; it is given {given}")
    assert History(world.store, one.stage).given(2) == given
    assert f"  attempt 2, given {given}: committed" in list(explain(one, world.store, {one.key: one}))


def test_while_it_runs_status_says_what_it_was_given(tmp_path: Path) -> None:
    world = World(tmp_path)
    one = stage("failing", "hungry", how="need", mib=240, resources=SMALL)
    world.run([one])
    world.store.delete(f"{one.stage.path}/manifest.json")
    row = survey([one], world.store, alive=lambda key: True)[one.key]
    assert row.detail == "attempt 2; given 0.38 GiB of memory instead of 0.19"


@pytest.mark.parametrize("warm", [False, True])
def test_with_all_that_the_machine_gives_it_ends_with_a_remedy(tmp_path: Path, warm: bool) -> None:
    world = World(tmp_path, warm=warm)
    one = stage("failing", "hungry", how="eat", resources=SMALL)
    reason = world.run([one], budget=Budget(cpus=2, memory_bytes=512 * MIB)).failed[one.key]
    assert re.search(
        r"out of memory with 0\.50 GiB, the most that this machine gives: used \d\.\d+ GiB of memory, "
        r"allowed were 0\.50 GiB; run it where there is more$",
        reason,
    )
    failures = [world.attempts(one).failure(n) for n in (1, 2, 3)]
    assert [failure.had for failure in failures if failure] == [192 * MIB, 384 * MIB, 512 * MIB]
    assert len(world.executions()) == 3


def test_where_there_is_no_more_nothing_is_repeated(tmp_path: Path) -> None:
    world = World(tmp_path)
    one = stage("failing", "hungry", how="eat", resources=SMALL)
    reason = world.run([one], budget=Budget(cpus=2, memory_bytes=192 * MIB)).failed[one.key]
    assert "out of memory with 0.19 GiB, the most that this machine gives" in reason
    assert len(world.executions()) == 1


def test_what_fails_otherwise_meanwhile_keeps_what_it_was_given(tmp_path: Path) -> None:
    world = World(tmp_path)
    one = stage("failing", "hungry", how="error", resources=SMALL)
    world.attempts(one).fail(1, Failure(outcome="out-of-memory", reason="killed", had=192 * MIB))
    world.run([one])
    assert {History(world.store, one.stage).given(n) for n in (2, 3)} == {"0.38 GiB of memory instead of 0.19"}


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


@pytest.fixture
def cgroup() -> Iterator[Path]:
    """A cgroup with 300 MiB, as a container has one."""
    made = _CGROUPS / f"polyglot-test-{os.getpid()}"
    try:
        made.mkdir()
        (made / "memory.limit_in_bytes").write_text(str(300 * MIB))
    except OSError:
        pytest.skip("no memory cgroup can be made here")
    yield made
    made.rmdir()


def test_what_the_kernel_killed_ran_out_of_memory(tmp_path: Path, cgroup: Path) -> None:
    """The kernel's limit is lower than the machine's: nobody but the kernel sees the worker cross it."""
    world = World(tmp_path)
    driver = world.drive("starving")
    (cgroup / "cgroup.procs").write_text(str(driver.pid))
    try:
        assert driver.wait(120) == 1
    finally:
        end(driver)
    (failure,) = [world.attempts(one).failure(1) for one in GRAPHS["starving"]()]
    assert failure is not None
    assert failure.outcome == "out-of-memory"
    assert failure.reason.startswith("killed by the system for want of memory; its peak was at least 0.")
