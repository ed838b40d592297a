"""`polyglot nights`: which nights a study was evaluated, and which were missed."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from polyglot.cli.looking import study_name
from polyglot.cli.options import Output, OutputForm, ProfileName, StoreUrl, StudyGiven
from polyglot.cli.output import print_table, say
from polyglot.core.calendar import Calendar
from polyglot.core.canonical import Json
from polyglot.core.errors import BadInput, PolyglotError
from polyglot.core.schedule import Schedule
from polyglot.engine.nights import NightRow, NightState, first_night, observe_nights
from polyglot.schedulers.site import DetachedSite, site_of
from polyglot.store.locate import open_store
from polyglot.store.store import Store
from polyglot.store.submissions import first_submitted
from polyglot.study.profile import load_profile

_DAYS = 30
_FIRST_YEAR = 2000  # of --since: no night is older, and a schedule is gone through from there
_DEADLINE_SECONDS = 3600.0  # of charts/polyglot


def command(
    study: StudyGiven,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="DATE",
            help=f"From this date or instant on; without it {_DAYS} days, at most since there are study and CronJob.",
        ),
    ] = None,
    cronjob: Annotated[
        str, typer.Option("--cronjob", metavar="NAME", help="The CronJob whose schedule says when nights are due.")
    ] = "polyglot-nightly",
    schedule: Annotated[
        str | None,
        typer.Option(
            "--schedule", metavar="CRON", help="The schedule instead, such as '0 2 * * *'; no cluster is asked."
        ),
    ] = None,
    zone: Annotated[
        str, typer.Option("--zone", metavar="ZONE", help="The time zone of --schedule, such as Europe/Berlin.")
    ] = "Etc/UTC",
    check: Annotated[
        bool,
        typer.Option("--check", help="End with 1 when a night was missed or failed, or found a change: for an alert."),
    ] = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    output: OutputForm = Output.TABLE,
) -> None:
    """Say of every night whether it was evaluated, runs, failed, is due or was missed, and what it found.

    The profile's CronJob says when nights are due; the store's records, reports and attempts say the rest. Nights that
    were named by hand are among them.
    """
    chosen, study = load_profile(profile), study_name(study)
    opened, site = open_store(store or chosen.store), site_of(chosen)
    calendar = site.calendar(cronjob) if schedule is None else _calendar(schedule, zone)
    if calendar is None and check:
        remedy = "Name the profile of its cluster, or --schedule"
        raise BadInput("without a schedule no night can be missed", where="--check", remedy=remedy)
    start, now = _since(since, opened, study, calendar), opened.now()
    asked = schedule is None or not isinstance(site, DetachedSite)  # with a schedule no cluster is
    alive = site.alive(opened.url) if asked else None
    rows = observe_nights(opened, study, calendar, since=start, now=now, alive=alive)
    clock = calendar.schedule if calendar else None
    if output is Output.JSON:
        print(json.dumps([_document(row, clock) for row in rows], indent=1, ensure_ascii=False))
    else:
        _print_table(rows, clock, start)
    if calendar is None:
        say("only nights that began are listed: when they are due, a cluster's profile or --schedule says")
    elif calendar.suspended:
        say(f"{calendar.name} is suspended: it starts no night")
    if calendar is not None and calendar.arguments and study not in calendar.arguments:
        say(f"{calendar.name} does not evaluate {study}")
    if check:
        _check(study, rows, start)


def _check(study: str, rows: Sequence[NightRow], start: datetime) -> None:
    """Raise PolyglotError when a night was missed or failed, or found a change."""
    bad = [row for row in rows if row.state in (NightState.MISSED, NightState.FAILED)]
    found = [row for row in rows if row.alarms]
    if bad or found:
        said = [f"{len(bad)} nights without an evaluation since {_utc(start)}: {_some(bad, 'state')}"] if bad else []
        said += [f"{len(found)} nights found a change: {_some(found, 'verdict')}"] if found else []
        raise PolyglotError(f"{study}: {'; '.join(said)}")


def _some(rows: Sequence[NightRow], what: Literal["state", "verdict"]) -> str:
    return ", ".join(f"{row.name} {getattr(row, what)}" for row in rows[:5]) + (", …" if len(rows) > 5 else "")


def _print_table(rows: Sequence[NightRow], clock: Schedule | None, start: datetime) -> None:
    counts = Counter(str(row.state) for row in rows)
    summary = ", ".join(f"{count} {state}" for state, count in counts.items()) or "no night"
    header = ("night", f"due in {clock.zone}" if clock else "due", "state", "verdict", "report", "when", "detail")
    print_table(header, [_cells(row, clock) for row in rows], summary=f"{summary} since {_utc(start)}")


def _calendar(schedule: str, zone: str) -> Calendar:
    """What a schedule that is given says of when nights are due. Raises BadInput."""
    return Calendar(name="--schedule", schedule=Schedule(schedule, zone), deadline_seconds=_DEADLINE_SECONDS)


def _since(text: str | None, store: Store, study: str, calendar: Calendar | None) -> datetime:
    """The instant from which on nights are listed. Raises BadInput."""
    submitted = first_submitted(store, study)
    if text is None:
        return first_night(calendar, submitted, store.now(), days=_DAYS)
    try:
        found = datetime.fromisoformat(text)
        if found.year < _FIRST_YEAR:
            raise ValueError
        if found.tzinfo is not None:
            return found.astimezone(UTC)
        return calendar.schedule.instant(found) if calendar else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # what is after the year 9999 in UTC overflows
        expected = f"a date from {_FIRST_YEAR} on such as 2026-01-31, or an instant such as 2026-01-31T02:00:00Z"
        raise BadInput("not a date", where="--since", got=repr(text[:80]), expected=expected) from None


def _cells(row: NightRow, clock: Schedule | None) -> tuple[str, ...]:
    due = "" if row.due is None else f"{clock.local(row.due) if clock else row.due:%Y-%m-%d %H:%M %Z}"
    when = row.evaluated or row.began
    return row.name, due, str(row.state), row.verdict, row.report[:12], _utc(when) if when else "", row.detail


def _document(row: NightRow, clock: Schedule | None) -> dict[str, Json]:
    def text(instant: datetime | None) -> str | None:
        return _utc(instant) if instant else None

    local = clock.local(row.due).isoformat() if clock and row.due else None
    rest = {"report": row.report or None, "began": text(row.began), "evaluated": text(row.evaluated)}
    named = {"night": row.name, "due": local or text(row.due), "state": row.state, "verdict": row.verdict or None}
    return {**named, **rest, "detail": row.detail}


def _utc(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
