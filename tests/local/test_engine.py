"""The engine over real worker processes: order, caching, retries, blocked branches, deadlines."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from polyglot.attempts.attempts import PERMANENT, Failure
from polyglot.attempts.retract import retract
from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import BadInput, TimedOut
from polyglot.core.stage import PlannedStage, Resources
from polyglot.engine.outcomes import Limits
from polyglot.schedulers.base import Attempt, Ended, Outcome
from polyglot.schedulers.local.budget import Budget
from polyglot.store.committed import committed
from tests.kit.graphs import MIB, chain, diamonds, fan, stage
from tests.kit.stages import commit, write
from tests.kit.world import AT_ONCE, QUICK, Recorder, World, until


class TestBasics:
    def test_a_plan_runs_in_order_and_again_costs_nothing(self, world: World) -> None:
        stages = diamonds(0.0)
        first = world.run(stages)
        assert (first.committed, first.cached, first.failed) == (12, 0, {})
        assert all(world.results(stages).values())
        order = [row["key"] for row in world.executions()]
        for planned in stages:
            assert all(order.index(key) < order.index(planned.key) for key in planned.stage.inputs.values())
        again = world.run(stages)
        assert (again.committed, again.cached) == (0, 12)
        assert len(world.executions()) == 12

    def test_the_result_says_on_what_and_from_what_it_was_made(self, plain: World) -> None:
        one = stage("noop", "one", settings={"threads": 1, "batch": 7})
        two = stage("noop", "two", [one])
        plain.run([one, two])
        manifest = committed(plain.store, "noop", two.key)
        source = committed(plain.store, "noop", one.key)
        assert manifest is not None
        assert source is not None
        assert dict(manifest.inputs) == {"a": source.result}
        assert source.execution["threads"] == 1
        assert source.execution["settings"]["batch"] == 7
        assert source.execution["device"] == "cpu"
        assert source.provenance["polyglot-lab"]
        assert set(source.volatile["seconds"]) == {"inputs", "run"}

    def test_independent_stages_run_side_by_side(self, plain: World) -> None:
        stages = [stage("noop", f"n{i}", seconds=0.5) for i in range(4)]
        plain.run(stages)
        ends = {planned.key: plain.manifest_time(planned) for planned in stages}
        rows = plain.executions()
        assert any(later["time"] < ends[row["key"]] for row, later in itertools.pairwise(rows))

    def test_progress_is_told_while_a_stage_runs(self, world: World) -> None:
        world.run([stage("steps", "s", steps=60, seconds=0.05)])
        assert len(world.recorder.of("progress")) >= 1


class TestBudget:
    def test_cpus_bound_what_runs_at_once(self, plain: World) -> None:
        wide = Resources(cpus=2, memory_bytes=64 * MIB)
        stages = [stage("noop", f"n{i}", seconds=0.2, resources=wide) for i in range(3)]
        plain.run(stages, budget=Budget(cpus=2, memory_bytes=1024 * MIB))
        times = sorted(row["time"] for row in plain.executions())
        assert all(later - earlier >= 0.2 for earlier, later in zip(times, times[1:], strict=False))

    def test_memory_bounds_what_runs_at_once(self, plain: World) -> None:
        stages = [stage("noop", f"n{i}", seconds=0.2, resources=Resources(memory_bytes=600 * MIB)) for i in range(2)]
        plain.run(stages, budget=Budget(cpus=4, memory_bytes=1024 * MIB))
        first, second = sorted(row["time"] for row in plain.executions())
        assert second - first >= 0.2

    @pytest.mark.parametrize(
        ("resources", "text"),
        [
            (Resources(memory_bytes=8192 * MIB), "needs more memory than this machine gives to workers"),
            (Resources(memory_bytes=MIB, gpus=1), "needs more GPUs than this machine has"),
        ],
    )
    def test_what_can_never_fit_is_refused_before_anything_starts(
        self, plain: World, resources: Resources, text: str
    ) -> None:
        stages = [stage("noop", "fits"), stage("noop", "never", resources=resources)]
        with pytest.raises(BadInput, match=text):
            plain.run(stages)
        assert plain.executions() == []

    def test_more_cpus_than_there_are_means_alone_on_all_of_them(self, plain: World) -> None:
        wide = stage("devices", "wide", resources=Resources(cpus=64, memory_bytes=64 * MIB))
        assert plain.run([wide], budget=Budget(cpus=4, memory_bytes=1024 * MIB)).committed == 1
        manifest = committed(plain.store, "devices", wide.key)
        assert manifest is not None
        (row,) = plain.executions()
        assert (manifest.execution["threads"], row["omp"]) == (4, "4")
        assert row["nccl"] is row["allocator"] is None  # it has no GPU

    def test_several_ranks_are_refused_and_fewer_cpus_are_told(self, plain: World) -> None:
        several = stage("noop", "several", resources=Resources(memory_bytes=256 * MIB, ranks=2))
        with pytest.raises(BadInput, match="this machine is one pod; got 2 ranks; expected 1"):
            plain.run([several])
        many = stage("noop", "many", resources=Resources(memory_bytes=256 * MIB, cpus=64))
        notes = Budget(cpus=2, memory_bytes=1024 * MIB).notes([*fan(2), many])
        assert notes == ["noop: 64 CPUs are asked for, 2 are there; it gets these"]

    def test_gpus_are_dealt_out_one_by_one(self, plain: World) -> None:
        needs = Resources(memory_bytes=64 * MIB, gpus=1)
        stages = [stage("devices", f"n{i}", resources=needs) for i in range(2)]
        plain.run(stages, budget=Budget(cpus=4, memory_bytes=1024 * MIB, gpus=("0", "1")))
        assert sorted(row["devices"] for row in plain.executions()) == ["0", "1"]
        assert all(row["nccl"] == "WARN" and "pinned_max_round" in row["allocator"] for row in plain.executions())


class TestRetries:
    @pytest.mark.parametrize("how", ["error", "exit", "kill", "lie"])
    def test_a_transient_failure_is_repeated_under_a_higher_number(self, world: World, how: str) -> None:
        one = stage("failing", "f", how=how, times=2)
        summary = world.run([one])
        assert summary.failed == {}
        assert [text for _, text in world.recorder.of("started")] == ["1", "2", "3"]
        assert world.attempts(one).numbers() == [1, 2, 3]
        assert [world.attempts(one).failure(n) is not None for n in (1, 2, 3)] == [True, True, False]

    def test_the_limit_is_recorded_as_permanent_until_retry(self, plain: World) -> None:
        one = stage("failing", "f", how="error", times=4)
        summary = plain.run([one])
        assert summary.failed == {one.key: "RuntimeError: the network is down (3 attempts)"}
        blocked = plain.attempts(one).blocked()
        assert blocked is not None
        assert blocked.outcome == PERMANENT
        assert plain.run([one]).failed.keys() == {one.key}
        assert len(plain.executions()) == 3
        number = plain.attempts(one).allow_retry("the network is back")
        assert plain.run([one]).failed == {}
        assert len(plain.executions()) == 5
        assert plain.attempts(one).numbers()[-1] == number + 1  # the first attempt after the retry failed once more

    def test_a_python_memory_error_counts_as_out_of_memory(self, plain: World) -> None:
        one = stage("failing", "f", how="memory-error", times=2)
        assert plain.run([one]).failed == {}
        failure = plain.attempts(one).failure(1)
        assert failure is not None
        assert failure.outcome == "out-of-memory"

    def test_an_attempt_that_another_driver_saw_fail_for_good_does_not_run(self, plain: World) -> None:
        one = stage("noop", "one")
        plain.attempts(one).fail(1, Failure(outcome=PERMANENT, reason="this can never work"))
        ended: list[Ended] = []
        with plain.scheduler() as scheduler:  # it was submitted before, and there was no room
            scheduler.submit(Attempt(planned=one, number=1, store_url=plain.url))
            until(lambda: ended.extend(e for e in scheduler.watch(0.1) if isinstance(e, Ended)) or ended)  # type: ignore[func-returns-value]
        assert ended[-1].outcome is Outcome.PERMANENT
        assert plain.executions() == []

    def test_an_unknown_kind_is_permanent(self, world: World) -> None:
        one = stage("nosuch", "f")
        assert "nosuch" in world.run([one]).failed[one.key]
        assert world.attempts(one).numbers() == [1]

    def test_a_bug_is_permanent_and_named(self, plain: World) -> None:
        one = stage("failing", "f", how="bug")
        assert plain.run([one]).failed[one.key].startswith("TypeError: int() argument must be")
        assert len(plain.executions()) == 1

    def test_five_starts_without_progress_are_enough(self, plain: World) -> None:
        one = stage("failing", "f", how="polite")
        for _ in range(5):
            plain.attempts(one).record_start(1, {"host": "test"})
        reason = plain.run([one]).failed[one.key]
        assert "5 starts without progress" in reason

    def test_kills_do_not_end_a_stage_that_gets_further_each_time(self, plain: World) -> None:
        one = stage("steps", "s", steps=9, dies_after=2)
        assert plain.run([one]).failed == {}  # three attempts are allowed
        assert [row["resumed"] for row in plain.executions()] == [0, 2, 4, 6, 8]


class TestDeadlines:
    def test_a_worker_stops_itself_at_its_deadline(self, plain: World) -> None:
        limits = Resources(memory_bytes=256 * MIB, deadline_seconds=5, grace_seconds=5)
        one = stage("failing", "f", how="polite", times=1, resources=limits)
        assert plain.run([one]).failed == {}
        failure = plain.attempts(one).failure(1)
        assert failure is not None
        assert (failure.outcome, failure.reason) == ("timed-out", "the deadline of 5 s passed")

    def test_a_stuck_worker_is_killed_after_its_grace(self, plain: World) -> None:
        limits = Resources(memory_bytes=256 * MIB, deadline_seconds=5, grace_seconds=1)
        one = stage("failing", "f", how="stuck", times=1, resources=limits)
        assert plain.run([one]).failed == {}
        failure = plain.attempts(one).failure(1)
        assert failure is not None
        assert failure.outcome == "timed-out"
        assert "did not stop" in failure.reason

    def test_one_deadline_is_missed_twice_and_not_again(self, plain: World) -> None:
        limits = Resources(memory_bytes=256 * MIB, deadline_seconds=3, grace_seconds=2)
        one = stage("failing", "slow", how="polite", resources=limits)
        assert plain.run([one]).failed[one.key] == (
            "timed out in 2 attempts that got no further: the deadline of 3 s passed; raise resources.deadline of this "
            "kind of stage in the profile"
        )
        assert len(plain.executions()) == 2

    def test_a_job_that_waited_too_long_to_begin_says_nothing_against_the_deadline(self, plain: World) -> None:
        one = stage("noop", "waited")
        for number in (1, 2):
            plain.attempts(one).fail(number, Failure(outcome="timed-out", reason="DeadlineExceeded"))
        assert plain.run([one]).failed == {}

    def test_the_whole_run_has_a_deadline_too(self, world: World) -> None:
        one = stage("steps", "s", steps=150, seconds=0.05)
        with pytest.raises(TimedOut, match=r"deadline of 2 s passed: 0 computed"):
            world.run([one], limits=Limits(deadline_seconds=2))
        reached = world.attempts(one).progress()
        assert reached is None or reached.done < 150
        assert world.run([replace(one, stage=one.stage)], **AT_ONCE).committed == 1


class _When(Recorder):
    """Does something once, at a piece of news."""

    def __init__(self, news: str, act: Callable[[], None]) -> None:
        super().__init__()
        self._todo = {news: act}

    def cached(self, stages: Sequence[PlannedStage]) -> None:
        self._todo.pop("cached", lambda: None)()

    def progress(self, stage: PlannedStage, progress: object) -> None:
        self._todo.pop("progress", lambda: None)()


def put_manifest(world: World, of: PlannedStage, data: bytes) -> None:
    world.store.create(f"{of.stage.path}/manifest.json", data)


class TestInputsThatChange:
    """While a run goes on, somebody withdraws what it found committed."""

    def test_one_that_is_withdrawn_is_made_again(self, plain: World) -> None:
        root, left, right = stage("noop", "root"), *(stage("noop", name, [stage("noop", "root")]) for name in "lr")
        last = stage("noop", "last", [left, right])
        plain.run([root, left])
        before = plain.results([root, left])
        act = _When("cached", lambda: retract(plain.store, "noop", root.key, "to see", who="test"))
        assert plain.run([root, left, right, last], recorder=act).failed == {}
        assert plain.results([root, left]) == before
        assert [row["key"] for row in plain.executions()].count(root.key) == 2
        assert [row["key"] for row in plain.executions()].count(left.key) == 1
        assert [plain.attempts(right).failure(n) for n in plain.attempts(right).numbers()] == [None]

    def test_what_was_withdrawn_is_computed_anew_and_not_resumed(self, plain: World) -> None:
        counting = stage("steps", "counting", steps=3)
        plain.run([counting])
        retract(plain.store, "steps", counting.key, "a bad day", who="test")
        assert plain.run([counting]).committed == 1
        assert [row["resumed"] for row in plain.executions()] == [0, 0]

    def test_one_that_is_made_anew_with_another_result_is_read_as_it_is_now(self, plain: World, tmp_path: Path) -> None:
        root, left, right = stage("noop", "root"), *(stage("noop", name, [stage("noop", "root")]) for name in "lr")
        last = stage("noop", "last", [left, right])
        plain.run([root, left])

        def make_anew() -> None:
            retract(plain.store, "noop", root.key, "to see", who="test")
            commit(plain.store, root.stage, write(tmp_path / "out", {"text": b"other"}))

        assert plain.run([root, left, right, last], recorder=_When("cached", make_anew)).failed == {}
        manifest = committed(plain.store, "noop", last.key)
        assert manifest is not None
        assert [file.sha256 for file in manifest.files] == [sha256_bytes(b"last(l(other),r(other))")]
        assert plain.run([root, left, right, last]).cached == 4


class TestBranches:
    def test_a_permanent_failure_blocks_its_branch_and_no_other(self, world: World) -> None:
        root = stage("noop", "root")
        bad = stage("failing", "bad", [root], how="permanent")
        behind = stage("noop", "behind", [bad])
        last = stage("noop", "last", [behind])
        good = [stage("noop", f"good{i}", [root]) for i in range(3)]
        summary = world.run([root, bad, behind, last, *good])
        assert summary.failed == {bad.key: "this can never work"}
        assert summary.blocked == {behind.key: bad.key, last.key: bad.key}
        assert summary.committed == 4
        assert [row["key"] for row in world.executions()].count(bad.key) == 1
        assert f"failing bad ({bad.name}): this can never work" in summary.describe()

    def test_what_ends_over_budget_goes_on_at_the_next_run_however_often_it_did(self, plain: World) -> None:
        dear = stage("failing", "dear", how="budget", times=7)
        plan = [dear, stage("noop", "after", [dear])]
        for number in range(1, 8):
            summary = plain.run(plan)
            assert summary.failed == {dear.key: "Raise budget.usd"}
            assert summary.over_budget == {dear.key}
            assert len(plain.executions()) == number  # once a run
        assert plain.attempts(dear).blocked() is None
        assert plain.run(plan).committed == 2

    def test_a_withdrawn_result_and_what_read_it_are_made_again(self, plain: World) -> None:
        stages = chain(3)
        plain.run(stages)
        before = plain.results(stages)
        retract(plain.store, "noop", stages[0].key, "to see", who="test")
        summary = plain.run(stages)
        # the same result came out again, so what had read it still holds
        assert plain.results(stages) == before
        assert summary.committed == 3
        assert [row["key"] for row in plain.executions()].count(stages[0].key) == 2
        assert len(plain.executions()) == 4

    def test_a_damaged_manifest_fails_its_stage_and_no_other(self, plain: World) -> None:
        bad, good = stage("noop", "bad"), stage("noop", "good", seconds=0.3)
        summary = plain.run([bad, good], recorder=_When("cached", lambda: put_manifest(plain, bad, b"{}")))
        assert "polyglot retract" in summary.failed[bad.key]
        assert summary.committed == 1

    def test_whatever_ends_the_run_lets_workers_save(self, world: World) -> None:
        one = stage("steps", "s", steps=400, seconds=0.05)

        def fail() -> None:
            raise OSError("no space left")

        with pytest.raises(OSError, match="no space left"):
            world.run([one], recorder=_When("progress", fail))
        assert "stopped as asked" in world.log(one)

    def test_many_stages_at_once(self, plain: World) -> None:
        plain.warm = True
        stages = fan(30)
        assert plain.run(stages, limits=QUICK).committed == 30
