"""Fault 18: exit 42 means one attempt, a record with the reason, and a stage that stays blocked until `retry`."""

from pathlib import Path

from polyglot.engine.survey import survey
from polyglot.engine.why import explain
from tests.kit.graphs import stage
from tests.kit.world import World


def test_one_attempt_a_record_and_a_way_out(tmp_path: Path) -> None:
    world = World(tmp_path)
    bad = stage("failing", "bad", how="permanent", times=1)
    after = stage("noop", "after", [bad])
    plan = [bad, after]
    for _ in range(3):
        summary = world.run(plan)
        assert summary.failed == {bad.key: "this can never work"}
        assert summary.blocked == {after.key: bad.key}
    assert len(world.executions()) == 1

    failure = world.attempts(bad).blocked()
    assert failure is not None
    assert "Permanent: this can never work" in failure.detail
    assert "Traceback" in failure.detail
    seen = survey(plan, world.store)
    assert [(str(row.state), row.detail) for row in seen.values()] == [
        ("failed", "this can never work"),
        ("blocked", "needs failing bad, which failed"),
    ]
    lines = list(explain(bad, world.store, {planned.key: planned for planned in plan}))
    assert lines[0] == "failing bad failed for good: this can never work"
    assert any("the end of the log" in line for line in lines)
    assert f"polyglot retry {bad.name}" in lines[-1]

    world.attempts(bad).allow_retry("mended")
    assert world.run(plan).committed == 2
    assert world.attempts(bad).numbers() == [1, 2]
