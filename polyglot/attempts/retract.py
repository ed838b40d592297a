"""Withdrawing a committed result: the one way in which a manifest goes away.

The record of it (why, who, when, and the manifest's own text) stays below `retractions/`; the blobs stay until `gc`.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from polyglot.attempts.attempts import Attempts
from polyglot.core.errors import BadInput, Missing
from polyglot.store.manifest import manifest_path, seal, unseal
from polyglot.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction:
    """One withdrawal; `time` is by the store's clock."""

    reason: str
    who: str
    time: datetime

    def describe(self) -> str:
        """One line for people."""
        return f"its result was withdrawn by {self.who}: {self.reason}"


def retractions(store: Store, kind: str, key: str) -> list[Retraction]:
    """Return every withdrawal of a stage's results, oldest first. Raises Corrupt for a damaged record."""
    found = sorted(store.list(f"stages/{kind}/{key}/retractions/"), key=lambda entry: entry.modified)
    records = [(entry, unseal(store.read(entry.path), where=f"{store.url}: {entry.path}")) for entry in found]
    return [Retraction(reason=row["reason"], who=row["who"], time=entry.modified) for entry, row in records]


def retract(store: Store, kind: str, key: str, reason: str, who: str) -> None:
    """Record the withdrawal, then delete the manifest. Raises Missing when there is none, BadInput without a reason.

    A damaged manifest is withdrawn in the same way: nothing of it needs to be understood. A run that failed for good
    beside it (by a Conflict with it, say) may be tried again.
    """
    if not reason.strip():
        raise BadInput("a retraction needs a reason", where="--reason", got=repr(reason))
    path = manifest_path(kind, key)
    try:
        text = store.read(path).decode("utf-8", errors="backslashreplace")
    except Missing:
        raise Missing(f"{store.url}: {kind} {key[:12]} has no committed result to withdraw") from None
    record = {
        "kind": kind,
        "key": key,
        "reason": reason,
        "who": who,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "manifest": text,
    }
    # named by nobody's count: two people who withdraw at once both leave their record
    store.create(f"stages/{kind}/{key}/retractions/{uuid.uuid4().hex}.json", seal(record))
    store.delete(path)
    attempts = Attempts(store, f"stages/{kind}/{key}")
    if attempts.blocked():
        attempts.allow_retry(f"the committed result was withdrawn: {reason}")
