"""Where every night of a study is: the ticks of a schedule held against the evaluations that the store knows of.

A night is evaluated when its report is committed, and no other word counts; it is missed when it was due, nothing
recorded that it began, and its CronJob will not make up for it any more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from polyglot.core.calendar import Calendar, JobState, Run
from polyglot.core.night import instant_of, night_name
from polyglot.engine.drift_reference import drift_key
from polyglot.engine.submission import submission_of_night
from polyglot.engine.survey import QUIET, StageState, survey
from polyglot.kinds.drift import ALARMS, DriftParams
from polyglot.store.committed import committed, find, inputs_hold
from polyglot.store.futures import concurrently
from polyglot.store.nights import Night, nights
from polyglot.store.store import Store


class NightState(StrEnum):
    """Where a night is."""

    EVALUATED = "evaluated"
    RUNNING = "running"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # begun, does not run now; the same night again goes on with it
    DUE = "due"  # not begun, and not too late
    MISSED = "missed"
    SUSPENDED = "suspended"  # due after the last one that a CronJob, suspended now, has started


@dataclass(frozen=True, slots=True, kw_only=True)
class NightRow:
    """One night. `due` is None for one that is named by a word; `began` and `evaluated` are by the store's clock.

    `verdict` is what a night found, evaluated or not, "" while nothing is known; `detail` says more of either.
    """

    name: str
    state: NightState
    due: datetime | None = None
    report: str = ""
    began: datetime | None = None
    evaluated: datetime | None = None
    verdict: str = ""
    detail: str = ""

    @property
    def alarms(self) -> bool:
        """Whether something changed."""
        return self.verdict in ALARMS


def observe_nights(
    store: Store,
    study: str,
    calendar: Calendar | None,
    *,
    since: datetime,
    now: datetime,
    alive: Callable[[str], bool | None] | None = None,
) -> list[NightRow]:
    """Observe the nights of a study since an instant, in their order; those that were run by hand are among them.

    `alive` says whether a stage's key has a worker. Raises Corrupt for a damaged record.
    """
    recorded = {night.name: night for night in nights(store, study)}
    ticks = calendar.schedule.ticks(since - timedelta(microseconds=1), now) if calendar else []
    rows = [
        _not_begun(calendar, tick, newest=tick == ticks[-1], now=now)
        for tick in ticks
        if calendar is not None and _name(tick) not in recorded
    ]
    begun = [night for night in recorded.values() if _when(night) >= since]
    rows += concurrently(lambda night: _begun(store, night, _run_of(calendar, night.name), now, alive), begun)
    return sorted(rows, key=lambda row: row.due or row.began or now)


def first_night(calendar: Calendar | None, submitted: datetime, now: datetime, *, days: int) -> datetime:
    """Since when nights are looked at: so many days, and not from before there was a CronJob and a study."""
    start = max(submitted, now - timedelta(days=days))
    return max(start, calendar.created) if calendar and calendar.created else start


def _not_begun(calendar: Calendar, tick: datetime, *, newest: bool, now: datetime) -> NightRow:
    """A tick without a record. A CronJob makes up for the newest one alone."""
    run = _run_of(calendar, _name(tick))
    state, detail = NightState.MISSED, ""
    late = (now - tick).total_seconds()
    if run is not None and run.state is JobState.ACTIVE:
        state, detail = NightState.DUE, f"job {run.job} has not begun it"
    elif run is not None and run.state is JobState.FAILED:
        state, detail = NightState.FAILED, f"job {run.job}: {run.reason}"
    elif run is not None:
        detail = f"job {run.job} ended without it"
    elif calendar.suspended and (calendar.last is None or tick > calendar.last):
        state, detail = NightState.SUSPENDED, f"{calendar.name} is suspended"
    elif newest and (calendar.deadline_seconds is None or late < calendar.deadline_seconds):
        state = NightState.DUE
    return NightRow(name=_name(tick), state=state, due=tick, detail=detail)


def _begun(
    store: Store, night: Night, run: Run | None, now: datetime, alive: Callable[[str], bool | None] | None
) -> NightRow:
    """A night with a record."""
    manifest = find(store, night.report, first=("report",))
    # what a night found stands, whatever failed or is made anew after it
    verdict, says = found_by(store, drift_key(store, night, manifest))
    found = says if verdict not in ("", "noise") else ""
    if manifest is not None and inputs_hold(store, manifest):
        entry = store.head(manifest.path)
        state, detail, evaluated = NightState.EVALUATED, "", entry.modified if entry else None
    else:
        (state, detail), evaluated = _unfinished(store, night, run, now, alive), None
    return NightRow(
        name=night.name,
        state=state,
        due=instant_of(night.name),
        report=night.report,
        began=night.time,
        evaluated=evaluated,
        verdict=verdict,
        detail="; ".join(part for part in (detail, found) if part),
    )


def found_by(store: Store, drift: str | None) -> tuple[str, str]:
    """The verdict of a night and its sentence, by the key of its drift stage; two times "" where there is none."""
    manifest = committed(store, DriftParams.kind, drift) if drift else None
    if manifest is None:
        return "", ""
    return str(manifest.metrics.get("verdict", "")), str(manifest.metrics.get("says", ""))


def _unfinished(
    store: Store, night: Night, run: Run | None, now: datetime, alive: Callable[[str], bool | None] | None
) -> tuple[NightState, str]:
    stages = submission_of_night(store, night).stages
    seen = survey(stages, store, alive=alive)
    labels = {planned.key: planned.label for planned in stages}
    states = [observation.state for observation in seen.values()]
    so_far = f"{states.count(StageState.COMMITTED)} of {len(states)} stages"
    failed = [f"{labels[key]}: {row.detail}" for key, row in seen.items() if row.state is StageState.FAILED]
    if failed:
        more = f"; and {len(failed) - 1} more" if len(failed) > 1 else ""
        return NightState.FAILED, f"{failed[0]}{more}"
    working = {StageState.RUNNING, StageState.PENDING} & set(states)
    if working or (run is not None and run.state is JobState.ACTIVE):
        return NightState.RUNNING, so_far
    again = [f"{labels[key]}: {row.detail}" for key, row in seen.items() if row.state is StageState.INTERRUPTED]
    if run is not None and run.state is JobState.FAILED:
        return NightState.FAILED, "; ".join([f"job {run.job}: {run.reason}", *again[:1]])
    if now - night.time < QUIET:
        return NightState.RUNNING, so_far
    return NightState.INTERRUPTED, "; ".join([so_far, *again[:1]])


def _run_of(calendar: Calendar | None, name: str) -> Run | None:
    return calendar.runs.get(name) if calendar else None


def _name(tick: datetime) -> str:
    return night_name(tick.isoformat())


def _when(night: Night) -> datetime:
    """When a night was due, or began, for one that is named by a word."""
    return instant_of(night.name) or night.time
