"""Which nights a study was evaluated again: `studies/<name>/nights/<night>.json`, each written once.

A record says that a night's evaluation began, and under which key its report is committed; a night without a record was
missed.
"""

from dataclasses import dataclass
from datetime import datetime

from polyglot.artifacts.futures import concurrently
from polyglot.artifacts.manifest import seal, unseal
from polyglot.artifacts.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """`report` is the key of the report stage; `time` is when the record was stored, by the store's clock."""

    name: str
    report: str
    time: datetime


def record_night(store: Store, study: str, night: str, *, report: str) -> None:
    """Note that a night's evaluation begins. A second time changes nothing."""
    store.create(_path(study, night), seal({"night": night, "report": report}))


def nights(store: Store, study: str) -> list[Night]:
    """Return the recorded nights of a study, the earliest first."""
    entries = list(store.list(f"studies/{study}/nights/"))
    records = concurrently(lambda entry: unseal(store.read(entry.path), where=entry.path), entries)
    found = [
        Night(name=record["night"], report=record["report"], time=entry.modified)
        for entry, record in zip(entries, records, strict=True)
    ]
    return sorted(found, key=lambda night: night.name)


def _path(study: str, night: str) -> str:
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "-" for char in night)
    return f"studies/{study}/nights/{plain}.json"


__all__ = ["Night", "nights", "record_night"]
