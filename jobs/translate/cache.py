"""What an engine returned, in the stage's journal by the content of what it was asked, and what all of it cost.

A record a text: `{"id": SHA-256 of the text, "outcome": "done", "text" | "reason"}`. Calls that cost have two records
more: `{"id": call, "outcome": "sent", "characters": …}`, durable before the call leaves, and its end, `{…, "outcome":
"reply" | "failure", "billed", "unseen"}`. One that was sent and has no end was in flight when the job was killed: it
counts at the most that it can cost, as do failures after which the engine may have done the work.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock

import msgspec

from jobs.lib.context import Journal
from jobs.translate.engines.engine import Outcome
from polyglot.core.canonical import Json, sha256_bytes
from polyglot.core.records import Record


class _Recorded(Record):
    """A record as it is read back; what it has none of is empty."""

    id: str
    outcome: str  # "done", "sent", "reply" or "failure"
    text: str | None = None
    reason: str | None = None
    characters: int = 0
    billed: int = 0
    unseen: bool = False


class TranslationCache:
    """Reads what earlier attempts recorded, then appends; threads may share it."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self._lock = journal, Lock()
        self._known: dict[str, Outcome] = {}
        self._open: dict[str, int] = {}  # calls in flight -> characters
        self.billed = self.unseen = 0  # characters
        self.calls: Counter[str] = Counter()
        self.reached = False  # the engine has answered at some time, in whichever attempt
        self._reading = True
        for record in journal.read():
            self._count(record)
        self._reading = False
        for id_ in list(self._open):
            self._lose(id_)
        self.resumed = len(self._known)

    @property
    def spent(self) -> int:
        """Characters that count against a cap: billed, and the most that unseen calls may be."""
        return self.billed + self.unseen

    def known(self, texts: Sequence[str]) -> dict[str, Outcome]:
        """What is on record of these texts."""
        found = ((text, self._known.get(_id(text))) for text in texts)
        return {text: outcome for text, outcome in found if outcome is not None}

    def complete(
        self,
        found: dict[str, Outcome],
        waiting: Sequence[str],
        size: int,
        translate: Callable[[Sequence[str]], Mapping[str, Outcome]],
        *,
        before: Callable[[], None],
        settled: Callable[[int], None],
    ) -> dict[str, Outcome]:
        """Add to `found` what becomes of `waiting`, in batches of `size`; each is kept before the next begins.

        `before` every batch the stage may be stopped; `settled` hears how many texts have their outcome.
        """
        for start in range(0, len(waiting), size):
            before()
            done = translate(waiting[start : start + size])
            self.done(done)
            found |= done
            settled(len(found))
        self.flush()
        return found

    def done(self, outcomes: Mapping[str, Outcome]) -> None:
        """Keep what became of some texts."""
        for text, outcome in outcomes.items():
            self._append({"id": _id(text), "outcome": "done", "text": outcome.text, "reason": outcome.reason})

    def sent(self, call: str, characters: int) -> None:
        """Say that a call is about to leave, and return when that is durable."""
        self._append({"id": call, "outcome": "sent", "characters": characters})
        self.flush()

    def ended(self, call: str, *, reason: str = "", billed: int = 0, unseen: bool = False) -> None:
        """Say how a call ended. `unseen`: it may have been billed without our seeing it."""
        outcome = "failure" if reason else "reply"
        self._append({"id": call, "outcome": outcome, "reason": reason, "billed": billed, "unseen": unseen})

    def flush(self) -> None:
        """Return when every record is durable."""
        self._journal.flush()

    def _append(self, record: Mapping[str, Json]) -> None:
        with self._lock:
            self._count(record)
            self._journal.append(record)

    def _count(self, told: Mapping[str, Json]) -> None:
        record = msgspec.convert(told, _Recorded)
        if record.outcome == "done":
            refused = (record.reason or "").startswith("http-")
            if not (refused and self._reading):  # what an endpoint refused once it may take after it was mended
                self._known.setdefault(record.id, Outcome(record.text, record.reason))
        elif record.outcome == "sent":
            self._lose(record.id)  # an earlier one of this name was still open
            self._open[record.id] = record.characters
        else:
            characters = self._open.pop(record.id, 0)
            self.billed += record.billed
            self.unseen += characters if record.unseen else 0
            self.calls[record.reason or "reply"] += 1
            self.reached |= record.reason not in ("unreachable", "connection", "timeout")

    def _lose(self, id_: str) -> None:
        if id_ in self._open:
            self.unseen += self._open.pop(id_)
            self.calls["lost"] += 1


def call_id(texts: Iterable[str]) -> str:
    """The name of a call: what it asks for."""
    return sha256_bytes("\0".join(texts).encode())


def _id(text: str) -> str:
    return sha256_bytes(text.encode())
