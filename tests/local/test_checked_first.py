"""A stage that comes after another reads nothing of it: it waits for it, is blocked by its failure, and no more."""

from collections.abc import Sequence
from dataclasses import replace

from polyglot.attempts.attempts import Attempts
from polyglot.attempts.retract import retract
from polyglot.core.stage import PlannedStage
from polyglot.engine.survey import StageState, survey
from polyglot.engine.why import explain
from tests.kit.graphs import stage
from tests.kit.world import World


def after(check: PlannedStage, *stages: PlannedStage) -> list[PlannedStage]:
    """Stages that come after a check, with it."""
    return [check, *(replace(planned, after=(check.key,)) for planned in stages)]


def costly(count: int = 2) -> list[PlannedStage]:
    return [stage("noop", f"costly {number}") for number in range(count)]


def states(world: World, stages: Sequence[PlannedStage]) -> dict[str, str]:
    seen = survey(stages, world.store)
    return {planned.label: str(seen[planned.key].state) for planned in stages}


def test_what_comes_after_a_check_starts_when_it_is_done_and_has_the_key_that_it_had(world: World) -> None:
    stages = after(stage("noop", "check", seconds=0.2), *costly())
    assert [planned.key for planned in stages[1:]] == [planned.key for planned in costly()]
    summary = world.run(stages)
    assert summary.committed == 3
    assert world.executions()[0]["key"] == stages[0].key
    ended = world.manifest_time(stages[0])
    assert all(row["time"] > ended for row in world.executions()[1:])


def test_a_check_that_fails_blocks_what_comes_after_it_and_nothing_of_that_starts(plain: World) -> None:
    other = stage("noop", "cheap")
    stages = [*after(stage("failing", "check", how="permanent"), *costly()), other]
    summary = plain.run(stages)
    assert summary.blocked == {planned.key: stages[0].key for planned in stages[1:3]}
    assert [row["key"] for row in plain.executions() if row["kind"] == "noop"] == [other.key]
    assert states(plain, stages)["noop costly 0"] == StageState.BLOCKED
    told = list(explain(stages[1], plain.store, {planned.key: planned for planned in stages}))
    assert told[0].startswith("noop costly 0 cannot run: needs failing check, which failed")
    assert any(line.startswith("  comes after failing check, which failed for good") for line in told)


def test_each_thing_that_a_check_found_has_its_line(plain: World) -> None:
    check = stage("failing", "check", how="findings")
    summary = plain.run(after(check, *costly()))
    lines = summary.describe().splitlines()
    found = [
        lines.index(f"  failing check ({check.name}): 2 problems"),
        lines.index(f"    {'long ' * 100}"[:503] + "…"),
    ]
    assert lines[found[0] + 1] == "    models.m: one thing"
    assert found[1] == found[0] + 2
    told = list(explain(check, plain.store, {check.key: check}))
    assert "    models.m: one thing" in told


def test_a_check_is_not_run_when_all_that_would_come_after_it_is_done(plain: World) -> None:
    plain.run(costly())
    stages = after(stage("failing", "check", how="permanent"), *costly())
    summary = plain.run(stages)
    assert (summary.committed, summary.cached, summary.failed) == (0, 2, {})
    assert Attempts(plain.store, stages[0].stage).numbers() == []
    assert states(plain, stages)["failing check"] == StageState.UNNEEDED
    told = list(explain(stages[0], plain.store, {planned.key: planned for planned in stages}))
    assert told[0] == "failing check is not needed: all that would come after it is committed"


def test_a_check_runs_for_the_one_stage_that_is_still_open(plain: World) -> None:
    plain.run(costly(1))
    stages = after(stage("noop", "check"), *costly(2))
    summary = plain.run(stages)
    assert (summary.committed, summary.cached) == (2, 1)


def test_a_withdrawn_check_makes_nothing_anew(plain: World) -> None:
    stages = after(stage("noop", "check"), *costly())
    plain.run(stages)
    retract(plain.store, "noop", stages[0].key, "looked at the wrong thing", who="test")
    summary = plain.run(stages)
    assert (summary.committed, summary.cached) == (0, 2)
