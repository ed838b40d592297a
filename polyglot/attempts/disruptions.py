"""What took a running attempt's worker away: evicted, preempted, its node tainted, its pod deleted.

    attempts/<n>/disruptions/<name>.json

`name` is the pod's, or the Job's where that is all that is known: two drivers that see one disruption record it once.
Such an end fails nothing: the attempt goes on with its next start, and without this record nobody would know why it
has two.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from polyglot.store.manifest import seal, unseal
from polyglot.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Disruption:
    """`text` is one line for a person; `start` is the last one that was recorded, 0 when none was."""

    text: str
    start: int
    time: datetime


def put_disruption(store: Store, base: str, name: str, text: str, *, start: int) -> bool:
    """Record one below `base` (`…/attempts/<n>/`); False when it is known already."""
    record = {"text": text, "start": start, "time": datetime.now(UTC).isoformat()}
    return store.create(f"{base}disruptions/{name}.json", seal(record))


def read_disruption(store: Store, path: str) -> Disruption:
    """The record at a path. Raises Corrupt for a damaged one."""
    record = unseal(store.read(path), where=f"{store.url}: {path}")
    return Disruption(text=record["text"], start=record["start"], time=datetime.fromisoformat(record["time"]))
