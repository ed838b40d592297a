"""Schedules, zones and names of nights that are refused."""

from collections.abc import Callable
from pathlib import Path

from polyglot.core.night import night_name
from polyglot.core.schedule import Schedule
from tests.kit.bad_inputs import Case

PROVOKED: dict[str, Callable[[], object]] = {
    "a schedule of four fields": lambda: Schedule("0 2 * *"),
    "an hour that no clock shows": lambda: Schedule("0 24 * * *"),
    "a day that never comes": lambda: Schedule("0 2 30 2 *"),
    "@every": lambda: Schedule("@every 24h"),
    "a zone that is not there": lambda: Schedule("0 2 * * *", "Europe/Nowhere"),
    "a zone that is a path": lambda: Schedule("0 2 * * *", "../etc/passwd"),
    "a night that is a path": lambda: night_name("../2026-01-31"),
    "a night without a name": lambda: night_name(""),
    "an instant without a zone": lambda: night_name("2026-01-31T02:00:00"),
}


def _case(name: str) -> Case:
    def provoke(folder: Path) -> object:
        del folder
        return PROVOKED[name]()

    return Case(room="Nights", name=name, provoke=provoke)


CASES = [_case(name) for name in PROVOKED]
