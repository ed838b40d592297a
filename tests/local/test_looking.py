"""Survey, logs and why: what a person sees of a study, read from the store, while it runs and afterwards."""

import os
import shlex
import signal
import sys
import threading
from pathlib import Path

from polyglot.attempts.attempts import Attempts
from polyglot.attempts.progress import Progress
from polyglot.engine.engine import run
from polyglot.engine.logs import merged_logs
from polyglot.engine.survey import StageState, survey
from polyglot.engine.why import explain
from polyglot.schedulers.base import Attempt, Ended, Running, Starting
from polyglot.schedulers.local.lock import KeyLocks
from polyglot.schedulers.local.process import Launch
from polyglot.schedulers.local.warm import WarmServer
from polyglot.store.directory import DirectoryStore
from tests.kit.graphs import GRAPHS, chain, stage
from tests.kit.world import World, end, until


class TestSurvey:
    def test_nothing_begun_committed_and_waiting(self, plain: World) -> None:
        first, second, third = chain(3)
        seen = survey([first, second, third], plain.store)
        assert [row.detail for row in seen.values()] == ["could start", "needs noop link0", "needs noop link1"]
        assert {row.state for row in seen.values()} == {StageState.WAITING}
        plain.run([first])
        seen = survey([first, second, third], plain.store)
        assert [str(row.state) for row in seen.values()] == ["committed", "waiting", "waiting"]
        assert seen[first.key].detail.startswith("took ")
        assert seen[second.key].detail == "could start"

    def test_running_and_interrupted_are_told_apart_by_the_lock(self, plain: World) -> None:
        plan = GRAPHS["slow"]()
        here = KeyLocks(plain.state / "locks", plain.url).held
        driver = plain.drive("slow")
        try:
            until(lambda: plain.attempts(plan[0]).progress() is not None)
            row = survey(plan, plain.store, alive=here)[plan[0].key]
            assert row.state is StageState.RUNNING
            assert " of 200 steps, value " in row.detail
            assert survey(plan, plain.store)[plan[0].key].state is StageState.RUNNING  # by its signs of life
            driver.send_signal(signal.SIGINT)
            assert driver.wait(20) == 130
        finally:
            end(driver)
        assert survey(plan, plain.store, alive=here)[plan[0].key].state is StageState.INTERRUPTED
        lines = list(explain(plan[0], plain.store, {plan[0].key: plan[0]}, alive=here))
        assert "does not run now" in lines[0]
        assert any(line.startswith("  it came to ") for line in lines)

    def test_an_attempt_that_was_only_allowed_has_not_begun(self, plain: World) -> None:
        from polyglot.attempts.attempts import Failure

        one = stage("failing", "f", how="error")
        plain.attempts(one).record_start(1, {"host": "test"})
        plain.attempts(one).fail(1, Failure(outcome="permanent", reason="no"))
        plain.attempts(one).allow_retry("mended")
        for alive in (None, lambda key: False, lambda key: None):
            row = survey([one], plain.store, alive=alive)[one.key]
            assert (row.state, row.detail) == (StageState.WAITING, "attempt 2 is allowed, not begun")
        assert "  attempt 2: allowed, not begun" in list(explain(one, plain.store, {one.key: one}))

    def test_a_withdrawn_result_is_told_until_the_stage_begins_again(self, plain: World) -> None:
        from polyglot.attempts.retract import retract

        plan = chain(2)
        plain.run(plan)
        retract(plain.store, "noop", plan[0].key, "wrong rows", who="sam")
        first, second = survey(plan, plain.store).values()
        assert (first.state, first.withdrawn) == (StageState.WAITING, "its result was withdrawn by sam: wrong rows")
        assert (second.state, second.detail) == (StageState.WAITING, "needs noop link0")
        lines = list(explain(plan[0], plain.store, {planned.key: planned for planned in plan}))
        assert lines[0] == "noop link0 runs again at the next submit: its result was withdrawn by sam: wrong rows"
        plain.attempts(plan[0]).record_start(1, {"host": "test"})
        assert survey(plan, plain.store)[plan[0].key].state is StageState.RUNNING
        assert survey(plan, plain.store, alive=lambda key: False)[plan[0].key].state is StageState.INTERRUPTED

    def test_a_failure_that_will_be_repeated_is_not_the_end(self, plain: World) -> None:
        from polyglot.attempts.attempts import Failure

        one = stage("failing", "f", how="error")
        plain.attempts(one).record_start(1, {"host": "test"})
        plain.attempts(one).fail(1, Failure(outcome="transient", reason="the disk is full"))
        row = survey([one], plain.store)[one.key]
        assert row.state is StageState.INTERRUPTED
        assert row.detail == "attempt 1 failed and will be repeated: the disk is full"

    def test_what_a_place_says_after_a_start_means_stuck_and_before_it_pending(self, plain: World) -> None:
        one = stage("steps", "lost", steps=9)
        attempts = plain.attempts(one)
        attempts.note(1, "exceeded quota")
        assert survey([one], plain.store)[one.key].state is StageState.PENDING
        start = attempts.record_start(1, {"host": "test"})
        attempts.report_progress(1, start, Progress(done=3, total=9, unit="steps"))
        attempts.note(1, "the node node-2 does not answer")
        row = survey([one], plain.store)[one.key]
        assert row.state is StageState.STUCK
        lines = list(explain(one, plain.store, {one.key: one}))
        assert lines[0].startswith("steps lost was begun and is stuck: since ")
        assert lines[0].endswith("UTC: the node node-2 does not answer")
        assert any(line.startswith("  it came to 3 of 9 steps") for line in lines)
        attempts.disrupt(1, "pod-a", "pod pod-a disrupted (DeletionByTaintManager)")  # minutes later, by the cluster
        assert survey([one], plain.store, alive=lambda key: True)[one.key].state is StageState.STUCK
        attempts.note(1, "")  # its place says that it goes on
        assert survey([one], plain.store)[one.key].state is StageState.RUNNING
        attempts.note(1, "the node node-2 does not answer")
        attempts.report_progress(1, start, Progress(done=4, total=9, unit="steps"))
        assert survey([one], plain.store)[one.key].state is StageState.RUNNING


class TestWhy:
    def test_a_committed_stage_names_its_result_and_what_it_read(self, plain: World) -> None:
        plan = chain(2)
        plain.run(plan)
        lines = list(explain(plan[1], plain.store, {planned.key: planned for planned in plan}))
        assert lines[0].startswith("noop link1 is committed: took ")
        assert any(line.startswith("  read a: noop link0, result ") for line in lines)
        assert "  attempt 1: committed" in lines

    def test_a_withdrawn_input_is_named(self, plain: World) -> None:
        from polyglot.attempts.retract import retract

        plan = chain(2)
        plain.run(plan)
        retract(plain.store, "noop", plan[0].key, "to see", who="test")
        lines = list(explain(plan[1], plain.store, {planned.key: planned for planned in plan}))
        assert any("withdrawn or made anew" in line for line in lines)
        assert any(line.startswith("  needs a: noop link0, which ") for line in lines)


class TestLogs:
    def test_every_line_carries_its_stage_and_none_is_lost_by_a_kill(self, world: World) -> None:
        one = stage("failing", "chatty", how="talk-and-die", times=1)
        two = stage("noop", "after", [one])
        world.run([one, two])
        lines = list(merged_logs([one, two], world.store))
        said = [line for line in lines if "said 999" in line]
        assert said == ["failing chatty | said 999"] * 2  # by the attempt that was killed right after, and by the next
        assert lines[-1].startswith("noop after | ")

    def test_following_ends_when_every_stage_has_ended(self, world: World) -> None:
        bad = stage("failing", "bad", how="permanent")
        plan = [*chain(2), bad, stage("noop", "behind", [bad])]
        lines: list[str] = []
        follower = threading.Thread(target=lambda: lines.extend(merged_logs(plan, world.store, follow=True)))
        follower.start()
        world.run(plan)
        follower.join(20)
        assert not follower.is_alive()
        assert any("noop link1: committed" in line for line in lines)
        assert any("this can never work" in line for line in lines)

    def test_what_an_equal_stage_said_for_another_store_is_not_in_it(self, plain: World) -> None:
        one = stage("failing", "chatty", how="talk", times=1)
        plain.run([one])
        other = DirectoryStore(plain.root / "other")
        with plain.scheduler() as scheduler:
            run([one], other, scheduler)
        assert b"".join(Attempts(other, one.stage).log(1)).count(b"attempt 1, start 1") == 1

    def test_a_backend_follows_the_log_of_a_running_attempt(self, plain: World) -> None:
        one = stage("failing", "chatty", how="talk", times=1)
        attempt = Attempt(planned=one, number=1, store_url=plain.url)
        with plain.scheduler() as scheduler:
            scheduler.submit(attempt)
            until(lambda: [event for event in scheduler.watch(0.1) if isinstance(event, Running)])
            heard: list[bytes] = []
            reader = threading.Thread(
                target=lambda: heard.extend(data for _, data in scheduler.logs(attempt, follow=True))
            )
            reader.start()
            until(lambda: [event for event in scheduler.watch(0.1) if isinstance(event, Ended)])
            reader.join(10)
            assert not reader.is_alive()
        assert b"said 999" in b"".join(heard)


class TestWhoHoldsAStage:
    def test_a_second_driver_is_told_which_command_works_on_it(self, plain: World) -> None:
        one = stage("noop", "held")
        attempt = Attempt(planned=one, number=1, store_url=plain.url)
        held = KeyLocks(plain.state / "locks", plain.url).acquire(one.key)
        assert held is not None
        with plain.scheduler() as scheduler:
            scheduler.submit(attempt)
            try:
                told = [event for _ in range(3) for event in scheduler.watch(0.1)]
            finally:
                os.close(held)
            (event,) = told  # once, however often it looks
            assert isinstance(event, Starting)
            command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
            where = f"(process {os.getpid()}, in {Path.cwd()})"
            assert event.text == f"waits for `{command}` {where}, which works on it"
            ended = [event for event in scheduler.watch(0.1) if isinstance(event, Ended)]
        assert [event.text for event in ended] == ["another driver worked on it"]

    def test_what_the_server_loads_is_said_until_it_has_loaded_it(self, plain: World) -> None:
        log = plain.root / "log"
        server = WarmServer(libraries=("json", "decimal"), environment=plain.environment(), log=log)
        launch = Launch(name="one", kind="noop", arguments=[], environment={}, log=log, lock=os.open(log, os.O_RDONLY))
        try:
            process = server.fork(launch)
            assert process.begins == "starts once json and decimal are loaded"
            until(lambda: process.exit_status() is not None)
            assert process.begins == ""
        finally:
            server.close()
            os.close(launch.lock)
