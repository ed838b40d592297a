"""Where nights are: ticks of a schedule against records, reports and attempts of a store that is filled by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.attempts.retract import retract
from polyglot.cli.session import Session
from polyglot.core.calendar import Calendar, JobState, Run
from polyglot.core.schedule import Schedule
from polyglot.engine.nights import NightRow, NightState, first_night, observe_nights
from polyglot.engine.submission import submission_of_night
from polyglot.store.nights import find_night, nights, record_night
from tests.kit.desk import Desk
from tests.kit.nights import answers_of, begun, evaluated, fail, found, ordered

DAY = timedelta(days=1)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk.at(tmp_path, monkeypatch)


@pytest.fixture
def session(desk: Desk) -> Session:
    return ordered(desk, desk.study("one"))


class Nights:
    """A schedule whose newest tick was half an hour ago."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.now = desk, desk.store.now()
        self.newest = (self.now - timedelta(minutes=30)).replace(second=0, microsecond=0)
        schedule = Schedule(f"{self.newest.minute} {self.newest.hour} * * *")
        self.calendar = Calendar(name="cronjob x", schedule=schedule, deadline_seconds=3600.0)

    def name(self, days_ago: int) -> str:
        return f"{self.newest - days_ago * DAY:%Y-%m-%dT%H:%M:%SZ}"

    def rows(self, days: int = 3, **changes: object) -> list[NightRow]:
        calendar = replace(self.calendar, **changes)  # type: ignore[arg-type]
        start = self.newest - days * DAY
        return observe_nights(self.desk.store, "one", calendar, since=start, now=self.now)

    def states(self, days: int = 3, **changes: object) -> list[str]:
        return [str(row.state) for row in self.rows(days, **changes)]


class TestTicks:
    def test_a_night_without_a_record_was_missed_and_the_newest_one_may_still_begin(
        self, desk: Desk, session: Session
    ) -> None:
        seen = Nights(desk)
        assert seen.states() == ["missed", "missed", "missed", "due"]
        assert seen.states(deadline_seconds=600.0)[-1] == "missed"
        assert seen.states(deadline_seconds=None)[-1] == "due"
        assert [row.due for row in seen.rows()] == [seen.newest - days * DAY for days in (3, 2, 1, 0)]

    def test_a_night_to_come_is_not_listed(self, desk: Desk, session: Session) -> None:
        seen = Nights(desk)
        seen.now = seen.newest - timedelta(seconds=1)
        assert seen.states() == ["missed", "missed", "missed"]
        assert seen.states(deadline_seconds=24 * 3600.0) == ["missed", "missed", "due"]

    def test_an_older_tick_is_missed_within_the_deadline_too(self, desk: Desk, session: Session) -> None:
        """A CronJob makes up for the newest one alone."""
        assert Nights(desk).states(deadline_seconds=100 * 86400.0) == ["missed", "missed", "missed", "due"]

    def test_what_a_suspended_cronjob_has_not_started_is_not_missed(self, desk: Desk, session: Session) -> None:
        seen = Nights(desk)
        rows = seen.rows(suspended=True, last=seen.newest - 2 * DAY)
        assert [str(row.state) for row in rows] == ["missed", "missed", "suspended", "suspended"]
        assert rows[-1].detail == "cronjob x is suspended"
        assert seen.states(suspended=True, last=None) == ["suspended"] * 4

    def test_a_job_tells_of_a_night_that_has_not_begun(self, desk: Desk, session: Session) -> None:
        seen = Nights(desk)
        runs = {
            seen.name(3): Run(job="a", state=JobState.ACTIVE),
            seen.name(2): Run(job="b", state=JobState.FAILED, reason="BackoffLimitExceeded: too often"),
            seen.name(1): Run(job="c", state=JobState.COMPLETE),
        }
        assert [(str(row.state), row.detail) for row in seen.rows(runs=runs)] == [
            ("due", "job a has not begun it"),
            ("failed", "job b: BackoffLimitExceeded: too often"),
            ("missed", "job c ended without it"),
            ("due", ""),
        ]

    def test_nights_are_looked_at_since_there_are_a_study_and_a_cronjob(self, desk: Desk) -> None:
        now = datetime(2026, 3, 31, tzinfo=UTC)
        calendar = replace(Nights(desk).calendar, created=now - 5 * DAY)
        assert first_night(None, now - 90 * DAY, now, days=30) == now - 30 * DAY
        assert first_night(None, now - 9 * DAY, now, days=30) == now - 9 * DAY
        assert first_night(calendar, now - 9 * DAY, now, days=30) == now - 5 * DAY
        assert first_night(calendar, now - 2 * DAY, now, days=30) == now - 2 * DAY


class TestEvaluations:
    def test_each_state_is_told_from_record_report_and_attempts(self, desk: Desk, session: Session) -> None:
        seen = Nights(desk)
        done = evaluated(desk, session, seen.name(3))
        broken = begun(desk, session, seen.name(2))
        fail(desk, answers_of(desk, broken), "no room")
        begun(desk, session, seen.name(1))
        seen.now = desk.store.now()
        first, second, third, fourth = seen.rows()
        assert (first.state, first.report, first.detail) == (NightState.EVALUATED, done.report, "")
        assert first.evaluated is not None
        assert first.evaluated >= done.time == first.began
        assert (second.state, second.evaluated) == (NightState.FAILED, None)
        assert "no room" in second.detail
        assert (third.state, fourth.state) == (NightState.RUNNING, NightState.DUE)

    def test_a_night_that_began_and_stopped_is_interrupted_until_a_worker_is_seen(
        self, desk: Desk, session: Session
    ) -> None:
        seen = Nights(desk)
        night = begun(desk, session, seen.name(1))
        answers = answers_of(desk, night)
        Attempts(desk.store, answers.stage).record_start(1, {"host": "test"})
        later = desk.store.now() + timedelta(minutes=10)

        def state(working: bool, runs: dict[str, Run]) -> str:
            calendar = replace(seen.calendar, runs=runs)
            (row,) = observe_nights(
                *(desk.store, "one", calendar),
                since=seen.newest - DAY - timedelta(hours=1),
                now=later,
                alive=lambda key: working and key == answers.key,
            )[:1]
            return str(row.state)

        assert state(False, {}) == "interrupted"
        assert state(True, {}) == "running"
        assert state(False, {seen.name(1): Run(job="a", state=JobState.ACTIVE)}) == "running"
        assert state(False, {seen.name(1): Run(job="a", state=JobState.FAILED)}) == "failed"

    def test_what_a_night_found_before_it_failed_is_told(self, desk: Desk, session: Session) -> None:
        """The next night begins after it, and will say no more than noise."""
        seen = Nights(desk)
        night = begun(desk, session, seen.name(1), watched=True)
        found(desk, night, "judge", "scores moved")
        fail(desk, answers_of(desk, night), "no room")
        row = seen.rows(1)[0]
        assert (row.state, row.verdict, row.alarms) == (NightState.FAILED, "judge", True)
        assert "no room" in row.detail
        assert row.detail.endswith("; scores moved")

    @pytest.mark.parametrize("withdrawn", ["report", "aggregate"])
    def test_a_night_whose_report_or_what_it_read_was_withdrawn_is_not_evaluated(
        self, desk: Desk, session: Session, withdrawn: str
    ) -> None:
        seen = Nights(desk)
        night = evaluated(desk, session, seen.name(1))
        assert seen.states(1) == ["evaluated", "due"]
        stages = submission_of_night(desk.store, night).stages
        key = next(planned.key for planned in stages if planned.stage.kind == withdrawn)
        retract(desk.store, withdrawn, key, reason="wrong", who="test")
        assert seen.states(1)[0] != "evaluated"

    def test_a_night_that_was_named_by_hand_is_listed_where_it_began(self, desk: Desk, session: Session) -> None:
        seen = Nights(desk)
        evaluated(desk, session, "after-the-upgrade")
        begun(desk, session, f"{seen.newest - DAY - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}")  # no tick
        seen.now = desk.store.now()
        assert [row.name for row in seen.rows(2)] == [
            seen.name(2),
            f"{seen.newest - DAY - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}",
            seen.name(1),
            seen.name(0),
            "after-the-upgrade",
        ]
        rows = observe_nights(desk.store, "one", None, since=seen.newest, now=seen.now)
        assert [(row.name, str(row.state), row.due) for row in rows] == [("after-the-upgrade", "evaluated", None)]

    def test_the_first_record_of_a_night_stands(self, desk: Desk, session: Session) -> None:
        night = begun(desk, session, "a")
        assert record_night(desk.store, "one", "a", submission="other", report="other") == night
        assert find_night(desk.store, "one", "a") == night
        assert find_night(desk.store, "one", "b") is None
        assert nights(desk.store, "one") == [night]
        assert nights(desk.store, "two") == []
