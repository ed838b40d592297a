"""Attempts: claims, failures, leave to retry, logs, progress, and what counts as getting further."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from polyglot.attempts.attempts import Attempts, Failure, log_start
from polyglot.attempts.checkpoints import StoredCheckpoints
from polyglot.attempts.history import History
from polyglot.attempts.journal import StoredJournal
from polyglot.attempts.progress import Progress
from polyglot.core.errors import Corrupt, StoreError
from polyglot.engine.survey import describe_progress
from polyglot.store.store import Store
from tests.kit.damage import flip
from tests.kit.stages import stage, write


@pytest.fixture
def attempts(store: Store) -> Attempts:
    return Attempts(store, stage())


def steps(done: int, **figures: float) -> Progress:
    return Progress(done=done, total=100, unit="steps", figures=figures)


def history(attempts: Attempts) -> History:
    return History(attempts._store, stage())


class TestNumbers:
    def test_a_new_stage_begins_with_attempt_one(self, attempts: Attempts) -> None:
        assert attempts.numbers() == []
        assert attempts.next_number() == 1
        assert attempts.blocked() is None

    def test_an_open_attempt_is_resumed_and_a_failed_one_is_followed(self, attempts: Attempts) -> None:
        attempts.record_start(1, {})
        assert attempts.next_number() == 1
        attempts.fail(1, Failure(outcome="transient", reason="lost the network"))
        assert attempts.next_number() == 2
        assert attempts.blocked() is None

    def test_numbers_are_numbers_not_texts(self, attempts: Attempts) -> None:
        for n in (2, 10, 9, 1):
            attempts.record_start(n, {})
        assert attempts.numbers() == [1, 2, 9, 10]
        assert attempts.next_number() == 10

    def test_stages_do_not_see_each_others_attempts(self, store: Store, attempts: Attempts) -> None:
        attempts.record_start(1, {})
        assert Attempts(store, stage("b")).numbers() == []


class TestClaims:
    def test_racing_workers_get_different_starts(self, attempts: Attempts) -> None:
        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(lambda number: attempts.record_start(1, {"worker": number}), range(8)))
        assert sorted(got) == list(range(1, 9))
        assert attempts.starts(1) == 8

    def test_more_than_nine_starts_are_counted(self, attempts: Attempts) -> None:
        assert [attempts.record_start(1, {}) for _ in range(12)] == list(range(1, 13))


class TestFailures:
    def test_a_failure_comes_back_whole(self, attempts: Attempts) -> None:
        failure = Failure(
            outcome="out-of-memory", reason="killed at 4 GiB", detail="line 1\nline 2", peak_memory_bytes=2**32
        )
        attempts.fail(1, failure)
        assert attempts.failure(1) == failure
        assert attempts.failure(2) is None

    def test_the_first_record_of_an_attempt_stays(self, attempts: Attempts) -> None:
        attempts.fail(1, Failure(outcome="permanent", reason="bad rows"))
        attempts.fail(1, Failure(outcome="transient", reason="exit 1"))
        found = attempts.failure(1)
        assert found is not None
        assert found.reason == "bad rows"

    def test_a_permanent_failure_blocks_until_a_retry_is_allowed(self, attempts: Attempts) -> None:
        attempts.fail(1, Failure(outcome="transient", reason="exit 1"))
        attempts.fail(2, Failure(outcome="permanent", reason="bad rows"))
        blocked = attempts.blocked()
        assert blocked is not None
        assert blocked.reason == "bad rows"
        assert attempts.allow_retry("rows are mended") == 3
        assert attempts.blocked() is None
        assert attempts.next_number() == 3
        assert attempts.allow_retry("twice") == 3, "leave that was not used yet is enough"
        attempts.fail(3, Failure(outcome="permanent", reason="still bad"))
        assert attempts.blocked() is not None

    def test_a_damaged_failure_record_is_told(self, attempts: Attempts, file_of: Callable[[str], Path]) -> None:
        attempts.fail(1, Failure(outcome="permanent", reason="bad rows"))
        flip(file_of(f"{stage().path}/attempts/1/failure.json"), 20)
        with pytest.raises(Corrupt, match="failure.json"):
            attempts.failure(1)


class TestProgress:
    def test_the_newest_report_is_shown(self, attempts: Attempts) -> None:
        assert attempts.progress() is None
        for done in (1, 5, 3):
            attempts.report_progress(1, 1, steps(done, loss=2.5))
        found = attempts.progress()
        assert found is not None
        assert (found.done, found.total, found.unit, found.figures) == (3, 100, "steps", {"loss": 2.5})
        attempts.report_progress(1, 2, steps(1))
        assert (attempts.progress() or found).done == 1, "a later start"
        attempts.report_progress(2, 1, steps(0))
        assert (attempts.progress() or found).done == 0, "a later attempt"
        assert abs((attempts.progress() or found).time - found.time) < timedelta(minutes=1)

    def test_what_the_job_waits_for_is_told_with_it(self, attempts: Attempts) -> None:
        attempts.report_progress(1, 1, replace(steps(4), remark="the judge does not answer since noon"))
        found = attempts.progress()
        assert found is not None
        assert describe_progress(found) == "4 of 100 steps; the judge does not answer since noon"
        attempts.report_progress(1, 1, steps(5))
        assert describe_progress(attempts.progress() or found) == "5 of 100 steps"

    def test_hundreds_of_reports_stay_in_order(self, attempts: Attempts) -> None:
        for done in range(120):
            attempts.report_progress(1, 1, steps(done))
        assert (attempts.progress() or steps(0)).done == 119

    def test_a_reporter_that_forgot_its_number_goes_on(self, store: Store, attempts: Attempts) -> None:
        attempts.report_progress(1, 1, steps(1))
        Attempts(store, stage()).report_progress(1, 1, steps(2))
        assert (attempts.progress() or steps(0)).done == 2

    def test_figures_that_json_cannot_carry_are_left_out(self, attempts: Attempts) -> None:
        attempts.report_progress(1, 1, steps(1, loss=float("nan"), grad=float("inf"), rate=1.0))
        assert (attempts.progress() or steps(0)).figures == {"rate": 1.0}


class TestStartsWithoutProgress:
    def test_starts_that_do_nothing_are_counted_over_attempts(self, attempts: Attempts) -> None:
        for n in (1, 1, 2):
            attempts.record_start(n, {})
        assert history(attempts).starts_without_progress() == 3

    def test_getting_further_begins_the_count_anew(self, attempts: Attempts) -> None:
        for _ in range(3):
            attempts.record_start(1, {})
        attempts.report_progress(1, 3, steps(10))
        assert history(attempts).starts_without_progress() == 0
        attempts.record_start(1, {})
        assert history(attempts).starts_without_progress() == 1

    def test_coming_as_far_as_before_is_no_progress(self, attempts: Attempts) -> None:
        for _ in range(4):
            start = attempts.record_start(1, {})
            attempts.report_progress(1, start, steps(0))
            attempts.report_progress(1, start, steps(10))
        assert history(attempts).starts_without_progress() == 3

    def test_a_checkpoint_of_a_later_step_is_progress(self, store: Store, attempts: Attempts, tmp_path: Path) -> None:
        folder = write(tmp_path / "state", {"s": b"1"})
        for step in (5, 5, 9, 9):
            StoredCheckpoints(store, stage(), 1, attempts.record_start(1, {})).save(folder, step)
        assert history(attempts).starts_without_progress() == 1

    def test_new_records_in_the_journal_are_progress(self, store: Store, attempts: Attempts) -> None:
        attempts.record_start(1, {})
        with StoredJournal(store, stage(), 1, attempts.record_start(1, {})) as journal:
            journal.append({"id": "1"})
        attempts.record_start(1, {})
        assert history(attempts).starts_without_progress() == 1

    def test_leave_to_retry_begins_the_count_anew(self, attempts: Attempts) -> None:
        for _ in range(5):
            attempts.record_start(1, {})
        attempts.fail(1, Failure(outcome="permanent", reason="no progress"))
        assert attempts.allow_retry("more memory") == 2
        assert history(attempts).starts_without_progress() == 0
        attempts.record_start(2, {})
        assert history(attempts).starts_without_progress() == 1

    def test_a_start_that_stopped_because_it_was_asked_to_does_not_count(self, attempts: Attempts) -> None:
        for _ in range(4):
            attempts.record_start(1, {})
        attempts.stop(1, 2)
        attempts.stop(1, 4)
        assert history(attempts).starts_without_progress() == 2

    def test_the_newest_attempt_that_got_further_is_known(self, attempts: Attempts) -> None:
        assert history(attempts).last_advance() == 0
        for n, done in ((1, 10), (2, 20), (3, 15)):
            attempts.report_progress(n, attempts.record_start(n, {}), steps(done))
        assert history(attempts).last_advance() == 2


class TestDisruptions:
    def test_each_is_recorded_once_with_the_start_that_it_took_away(self, attempts: Attempts) -> None:
        assert attempts.disrupt(1, "pod-a", "pod-a was evicted")
        attempts.record_start(1, {})
        assert attempts.disrupt(1, "pod-b", "pod-b was preempted")
        assert not attempts.disrupt(1, "pod-b", "seen by another driver, later")
        assert [(one.start, one.text) for one in history(attempts).disruptions(1)] == [
            (0, "pod-a was evicted"),
            (1, "pod-b was preempted"),
        ]
        assert history(attempts).disruptions(2) == []
        assert attempts.failure(1) is None

    def test_the_step_of_what_was_saved_up_to_a_start(self, store: Store, attempts: Attempts, tmp_path: Path) -> None:
        folder = write(tmp_path / "state", {"s": b"1"})
        for n, step in ((1, 5), (1, 9), (2, 12)):
            StoredCheckpoints(store, stage(), n, attempts.record_start(n, {})).save(folder, step)
        assert [history(attempts).step_reached(*of) for of in ((1, 0), (1, 1), (1, 2), (2, 0), (2, 1))] == [
            0,
            5,
            9,
            9,
            12,
        ]


class TestLogs:
    def test_chunks_come_in_order_over_all_starts(self, attempts: Attempts) -> None:
        for start, sequence, data in ((2, 1, b"c"), (1, 10, b"b"), (1, 9, b"a"), (2, 2, b"d")):
            attempts.append_log(1, start, sequence, data)
        assert b"".join(attempts.log(1)) == b"abcd"
        assert list(attempts.log(2)) == []

    def test_a_log_is_followed_and_a_chunk_that_comes_late_is_not_missed(self, attempts: Attempts) -> None:
        attempts.append_log(1, 2, 1, b"of the second start")
        ((path, data),) = attempts.log_since(1, ())
        assert (data, log_start(path)) == (b"of the second start", 2)
        assert list(attempts.log_since(1, {path})) == []
        attempts.append_log(1, 1, 7, b"of the first")
        assert [data for _, data in attempts.log_since(1, {path})] == [b"of the first"]
        assert list(attempts.log(1, 1)) == [b"of the first"]

    def test_ranks_are_those_that_left_a_record(self, attempts: Attempts) -> None:
        assert attempts.ranks(1) == [0]
        attempts.of_rank(2).record_start(1, {})
        attempts.of_rank(10).append_log(1, 1, 1, b"ten")
        assert attempts.ranks(1) == [0, 2, 10]
        assert list(attempts.of_rank(10).log(1)) == [b"ten"]
        assert list(attempts.log(1)) == []

    def test_a_chunk_that_is_sent_twice_is_there_once(self, attempts: Attempts) -> None:
        for _ in range(2):
            attempts.append_log(1, 1, 1, b"a")
        assert list(attempts.log(1)) == [b"a"]
        with pytest.raises(StoreError, match="someone else"):
            attempts.append_log(1, 1, 1, b"b")
