"""A study's GPU hours: counted over runs that failed, were interrupted or are over, and never exceeded for long."""

from pathlib import Path

import pytest

from polyglot.core.errors import OverBudget
from polyglot.core.stage import PlannedStage, Resources
from polyglot.engine.engine import run
from polyglot.engine.gpu_hours import GpuHours, check_gpu_hours, used_hours
from polyglot.engine.summary import Summary
from polyglot.estimates.took import took
from polyglot.schedulers.local.budget import Budget
from tests.kit.graphs import MIB, stage
from tests.kit.world import QUICK, Recorder, World

ON_A_GPU = Resources(memory_bytes=256 * MIB, gpus=1, grace_seconds=5)
SECOND = 1 / 3600


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, warm=True)  # a worker that is forked has recorded its start as soon as it runs


def run_within(world: World, stages: list[PlannedStage], hours: float | None, **more: str) -> Summary:
    budget = Budget(cpus=2, memory_bytes=1024 * MIB, gpus=("0",))
    with world.scheduler(budget=budget, **more) as scheduler:
        return run(stages, world.store, scheduler, observer=Recorder(), limits=QUICK, gpu_hours=hours)


def test_a_stage_that_uses_them_up_saves_stops_and_goes_on_when_there_are_more(world: World) -> None:
    long = stage("steps", "long", steps=400, seconds=0.05, resources=ON_A_GPU)  # 20 s, if it were let
    other = stage("noop", "other")
    summary = run_within(world, [long, other], 3 * SECOND)
    assert summary.over_budget == {long.key} == summary.failed.keys()
    assert "Raise budget.gpu-hours" in summary.failed[long.key]
    assert world.attempts(long).blocked() is None
    with pytest.raises(OverBudget):
        summary.raise_if_failed()
    used = used_hours([long, other], world.store)
    assert 1.0 * SECOND < used < 20 * SECOND

    with pytest.raises(OverBudget, match="1 stages that need GPUs are still to run"):
        check_gpu_hours([long, other], world.store, used)  # before anything is started
    assert run_within(world, [long, other], used).over_budget == {long.key}  # and by a driver that is started again
    starts = len(world.executions())
    assert run_within(world, [long, other], used + 1, POLYGLOT_TEST_STEP_SECONDS="0").committed == 1
    resumed = [row["resumed"] for row in world.executions()[starts:] if row["key"] == long.key]
    assert len(resumed) == 1
    assert resumed[0] > 0  # nothing was lost


def test_attempts_that_were_killed_count(world: World) -> None:
    dies = stage("steps", "dies", steps=6, seconds=0.3, dies_after=3, resources=ON_A_GPU)
    assert run_within(world, [dies], 1.0).committed == 1
    assert used_hours([dies], world.store) > 1.5 * SECOND  # 6 steps of 0.3 s, half of them by a worker that was killed
    (row,) = took([dies], world.store)
    assert row.used.seconds is not None
    assert row.used.seconds > 1.5
    assert row.used.gpu_hours == row.used.seconds / 3600


def test_what_needs_no_gpu_is_never_refused(world: World) -> None:
    plain = stage("noop", "plain")
    assert run_within(world, [plain], 1e-9).committed == 1
    check_gpu_hours([plain], world.store, 1e-9)


def test_two_that_run_at_once_are_counted_by_their_gpus(world: World) -> None:
    now = [0.0]
    two = stage("noop", "two", resources=Resources(memory_bytes=MIB, gpus=2, ranks=2))
    one = stage("noop", "one", resources=Resources(memory_bytes=MIB, gpus=1))
    hours = GpuHours([two, one], world.store, 3.0, clock=lambda: now[0])
    hours.begin(two)
    now[0] = 1800.0
    hours.begin(one)
    assert hours.used == 2.0
    hours.end(two)
    now[0] = 3600.0
    assert hours.used == 2.5
    assert not hours.refuses(one)
    now[0] = 5400.0
    assert hours.refuses(one).startswith("the budget: 3.00 of 3 GPU hours are used")
