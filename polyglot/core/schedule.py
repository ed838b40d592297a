"""A cron schedule in a time zone: at which instants a Kubernetes CronJob is due.

cronsim reads the five fields. Where Debian's cron, which it follows, and Kubernetes (robfig/cron v3) differ, this is
Kubernetes: due is every instant whose wall clock fits. A time that the clock skips in spring is never due, one that it
shows twice in autumn is due twice; `*/2` is a restriction like any other: a day fits when its date or its weekday does.
(On Lord Howe Island, whose clock moves by half an hour, Kubernetes skips more than that hour; this does not.)
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from polyglot.core.errors import BadInput

_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = re.compile(r"[*?](/1)?")
_DAYS, _WEEKDAYS = "1-31", "0-6"


@dataclass(frozen=True, slots=True)
class Schedule:
    """`text` is cron's five fields (or @daily and the like), `zone` an IANA name. Raises BadInput for anything else."""

    text: str
    zone: str = "Etc/UTC"
    _fields: str = field(init=False, repr=False, compare=False)
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_fields", _for_cronsim(self.text))
        object.__setattr__(self, "_zone", _zone_info(self.zone))

    def ticks(self, after: datetime, until: datetime) -> list[datetime]:
        """When it is due after one instant, up to and including another: in UTC, in order."""
        if after >= until:
            return []
        day = timedelta(days=1)  # more than any zone's clock is ever put forward or back
        end = (until.astimezone(self._zone) + day).replace(tzinfo=None)
        found: set[datetime] = set()
        for wall in CronSim(self._fields, (after.astimezone(self._zone) - day).replace(tzinfo=None)):
            if wall > end:
                break
            found.update(instant for instant in self._instants(wall) if after < instant <= until)
        return sorted(found)

    def local(self, instant: datetime) -> datetime:
        """An instant by the zone's clock."""
        return instant.astimezone(self._zone)

    def instant(self, wall: datetime) -> datetime:
        """The first instant, in UTC, at which the zone's clock shows a time without a zone."""
        return wall.replace(tzinfo=self._zone).astimezone(UTC)

    def _instants(self, wall: datetime) -> set[datetime]:
        """The instants at which the zone's clock shows this: none, one or two."""
        either = {wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
        return {instant for instant in either if instant.astimezone(self._zone).replace(tzinfo=None) == wall}


def _for_cronsim(text: str) -> str:
    """The same schedule as cronsim has to read it. Raises BadInput."""
    fields = _NAMED.get(text.strip().lower(), text).split()
    wanted = "minute, hour, day of month, month, day of week, such as '0 2 * * *'"
    if len(fields) != 5:
        remedy = "@every counts from whenever the cluster began" if text.startswith("@every") else ""
        raise BadInput("not a schedule", where="schedule", got=repr(text[:80]), expected=wanted, remedy=remedy)
    minute, hour, day, month, weekday = (one.replace("?", "*") for one in fields)
    fitted = " ".join((minute, hour, _restricted(day, _DAYS), month, _restricted(weekday, _WEEKDAYS)))
    try:
        CronSim(fitted, datetime(2000, 1, 1))  # noqa: DTZ001 - a wall clock
    except CronSimError as error:
        raise BadInput(f"not a schedule ({error})", where="schedule", got=repr(text[:80]), expected=wanted) from error
    return fitted


def _restricted(days: str, all_of_them: str) -> str:
    """Only a bare star restricts nothing; cronsim would take every field that begins with one for that."""
    terms = days.split(",")
    if any(_EVERY.fullmatch(term) for term in terms):
        return "*"
    return ",".join(all_of_them + term[1:] if term.startswith("*/") else term for term in terms)


def _zone_info(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:  # an unsafe path, a folder, no such file
        remedy = "If the name is right, this machine lacks the time zone data base: the package tzdata"
        expected = "an IANA name, such as Europe/Berlin"
        raise BadInput(
            "no such time zone", where="zone", got=repr(name[:80]), expected=expected, remedy=remedy
        ) from error
