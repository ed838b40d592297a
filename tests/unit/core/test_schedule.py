"""When a CronJob is due: the instants that Kubernetes' own library gives.

The rows were printed by github.com/robfig/cron/v3 v3.0.1, which Kubernetes uses:
`ParseStandard("TZ=<zone> <schedule>")`, then `Next` from the first instant to the last. All of 2026, in UTC.
"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyglot.core.errors import BadInput
from polyglot.core.schedule import Schedule

ROWS = [
    ("0 2 * * *", "Europe/Berlin", "03-27 00:00", "03-31 00:00", "03-27 01:00, 03-28 01:00, 03-30 00:00, 03-31 00:00"),
    ("30 2 * * *", "Europe/Berlin", "03-27 00:00", "03-31 00:00", "03-27 01:30, 03-28 01:30, 03-30 00:30"),
    ("0 2 * * *", "Europe/Berlin", "10-23 00:00", "10-27 00:00", "10-24 00:00, 10-25 00:00, 10-25 01:00, 10-26 01:00"),
    (
        "30 2 * * *",
        "Europe/Berlin",
        "10-23 00:00",
        "10-27 00:00",
        "10-23 00:30, 10-24 00:30, 10-25 00:30, 10-25 01:30, 10-26 01:30",
    ),
    (
        "*/30 * * * *",
        "Europe/Berlin",
        "10-24 23:00",
        "10-25 02:30",
        "10-24 23:30, 10-25 00:00, 10-25 00:30, 10-25 01:00, 10-25 01:30, 10-25 02:00, 10-25 02:30",
    ),
    ("0 0 * * *", "America/Santiago", "09-04 00:00", "09-08 00:00", "09-04 04:00, 09-05 04:00, 09-07 03:00"),
    (
        "30 23 * * *",
        "America/Santiago",
        "04-02 00:00",
        "04-07 00:00",
        "04-02 02:30, 04-03 02:30, 04-04 02:30, 04-05 02:30, 04-05 03:30, 04-06 03:30",
    ),
    ("0 0 * * *", "Africa/Cairo", "04-22 00:00", "04-27 00:00", "04-22 22:00, 04-24 21:00, 04-25 21:00, 04-26 21:00"),
    (
        "45 1 * * *",
        "Australia/Lord_Howe",
        "04-03 00:00",
        "04-07 00:00",
        "04-03 14:45, 04-04 14:45, 04-04 15:15, 04-05 15:15, 04-06 15:15",
    ),
    ("0 12 13 * 5", "Etc/UTC", "02-01 00:00", "03-01 00:00", "02-06 12:00, 02-13 12:00, 02-20 12:00, 02-27 12:00"),
    (
        "0 12 */10 * 1",
        "Etc/UTC",
        "02-01 00:00",
        "03-01 00:00",
        "02-01 12:00, 02-02 12:00, 02-09 12:00, 02-11 12:00, 02-16 12:00, 02-21 12:00, 02-23 12:00",
    ),
    (
        "0 12 * * */3",
        "Etc/UTC",
        "02-01 00:00",
        "02-15 00:00",
        "02-01 12:00, 02-04 12:00, 02-07 12:00, 02-08 12:00, 02-11 12:00, 02-14 12:00",
    ),
    ("0 12 */1 * 1", "Etc/UTC", "02-01 00:00", "02-20 00:00", "02-02 12:00, 02-09 12:00, 02-16 12:00"),
    ("0 12 5,* * 1", "Etc/UTC", "02-01 00:00", "02-20 00:00", "02-02 12:00, 02-09 12:00, 02-16 12:00"),
    (
        "0 12 ? * mon-fri",
        "Etc/UTC",
        "02-01 00:00",
        "02-08 00:00",
        "02-02 12:00, 02-03 12:00, 02-04 12:00, 02-05 12:00, 02-06 12:00",
    ),
    (
        "5/20 12 1-10/4 feb,MAR *",
        "Etc/UTC",
        "02-08 00:00",
        "03-01 12:10",
        "02-09 12:05, 02-09 12:25, 02-09 12:45, 03-01 12:05",
    ),
    ("@daily", "Asia/Kolkata", "02-01 00:00", "02-04 00:00", "02-01 18:30, 02-02 18:30, 02-03 18:30"),
    ("@hourly", "Asia/Kolkata", "02-01 00:00", "02-01 04:00", "02-01 00:30, 02-01 01:30, 02-01 02:30, 02-01 03:30"),
]


def instant(text: str) -> datetime:
    return datetime.strptime(f"2026-{text} +0000", "%Y-%m-%d %H:%M %z")


@pytest.mark.parametrize(("schedule", "zone", "after", "until", "due"), ROWS)
def test_it_is_due_when_kubernetes_says_so(schedule: str, zone: str, after: str, until: str, due: str) -> None:
    ticks = Schedule(schedule, zone).ticks(instant(after), instant(until))
    assert ", ".join(f"{tick:%m-%d %H:%M}" for tick in ticks) == due
    assert all(tick.tzinfo is UTC for tick in ticks)


def test_a_time_that_the_clock_skips_is_never_due() -> None:
    """Debian's cron would run it as soon as the clock has moved."""
    night = (instant("03-28 12:00"), instant("03-29 12:00"))
    assert Schedule("30 2 * * *", "Europe/Berlin").ticks(*night) == []


def test_a_time_that_the_clock_shows_twice_is_due_twice() -> None:
    """Debian's cron would run it once."""
    schedule = Schedule("30 2 * * *", "Europe/Berlin")
    ticks = schedule.ticks(instant("10-24 12:00"), instant("10-25 12:00"))
    assert [schedule.local(tick).isoformat() for tick in ticks] == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
    ]


@given(
    st.sampled_from(["0 2 * * *", "*/20 * * * *", "30 1 * * 6,0", "15 0 1 * *"]),
    st.sampled_from(["Etc/UTC", "Europe/Berlin", "America/Santiago", "Asia/Kolkata", "Pacific/Apia"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - given its zone below
    st.integers(0, 96),
    st.integers(0, 96),
)
def test_two_spans_have_the_ticks_of_both_together(
    text: str, zone: str, start: datetime, hours: int, more: int
) -> None:
    schedule, start = Schedule(text, zone), start.replace(tzinfo=UTC)
    middle = start + timedelta(hours=hours)
    end = middle + timedelta(hours=more)
    whole = schedule.ticks(start, end)
    assert schedule.ticks(start, middle) + schedule.ticks(middle, end) == whole == sorted(set(whole))


@pytest.mark.parametrize(
    "text", ["", "x", "0 2 * *", "0 2 * * * *", "0 24 * * *", "*/0 * * * *", "0 2 30 2 *", "@every 1h"]
)
def test_what_is_no_schedule_is_named(text: str) -> None:
    with pytest.raises(BadInput, match="^schedule: not a schedule"):
        Schedule(text)


@pytest.mark.parametrize("zone", ["", "Europe", "Europe/Nowhere", "../etc/passwd", "/etc/localtime", "Local"])
def test_what_is_no_zone_is_named(zone: str) -> None:
    with pytest.raises(BadInput, match="^zone: no such time zone"):
        Schedule("0 2 * * *", zone)


def test_after_the_last_year_that_a_date_can_have_nothing_is_due() -> None:
    start, end = datetime(9999, 12, 31, 12, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC)
    assert Schedule("@yearly", "Asia/Tokyo").ticks(start, end) == []
