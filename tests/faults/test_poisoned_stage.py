"""Fault 23: one poisoned stage fails with its reason; the other branches finish, and nothing is averaged over it."""

from pathlib import Path

from tests.kit.graphs import stage
from tests.kit.world import World


def test_the_other_branches_finish_and_what_needs_the_poisoned_one_does_not_run(tmp_path: Path) -> None:
    world = World(tmp_path, warm=True)
    root = stage("noop", "root")
    shards = [stage("noop", f"shard{i}", [root]) for i in range(4)]
    poisoned = stage("failing", "shard4", [root], how="permanent")
    verdict = stage("noop", "verdict", [*shards, poisoned])
    other = stage("noop", "other", shards)
    summary = world.run([root, *shards, poisoned, verdict, other])
    assert summary.failed == {poisoned.key: "this can never work"}
    assert set(summary.blocked) == {verdict.key}
    results = world.results([*shards, other, verdict])
    assert results.pop("noop verdict") is None
    assert all(results.values())
