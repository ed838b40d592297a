"""All that a store remembers of a stage's attempts, as of one listing; a record is read when it is asked for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from polyglot.attempts.attempts import OVER_BUDGET, Failure, Note, attempts_path, read_failure, read_note
from polyglot.attempts.disruptions import Disruption, read_disruption
from polyglot.attempts.progress import Progress, reached, read_progress
from polyglot.attempts.traces import Left, Trace
from polyglot.core.canonical import Json
from polyglot.core.stage import Stage
from polyglot.store.manifest import unseal
from polyglot.store.store import Entry, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One start of an attempt, by the store's clock: when it began, and the last sign of it before the next one began.

    `done` is how far it ever said to have come, `stopped` that it ended because it was asked to.
    """

    attempt: int
    start: int
    began: datetime
    last_sign: datetime
    done: int
    stopped: bool


class History:
    """`numbers` are those of the attempts that left a record, in order.

    With several ranks the first speaks for the attempt; the starts of another are its own.
    """

    def __init__(self, store: Store, stage: Stage | str, *, rank: int = 0) -> None:
        """`stage` may be the path of one: `stages/<kind>/<key>`."""
        self._store, base = store, attempts_path(stage)
        self._inside = f"ranks/{rank}/" if rank else ""
        self._entries: defaultdict[int, list[tuple[str, Entry]]] = defaultdict(list)  # with paths below the attempt's
        for entry in store.list(base):
            number, _, path = entry.path.removeprefix(base).partition("/")
            if number.isdecimal():
                self._entries[int(number)].append((path, entry))
        self.numbers = sorted(self._entries)
        self._failures: dict[int, Failure | None] = {}

    def ranks(self, n: int) -> list[int]:
        """Return the ranks of attempt n, from 0: the first, and every other one that left a record."""
        return sorted({0, *(int(path.split("/")[1]) for path, _ in self._entries[n] if path.startswith("ranks/"))})

    def starts(self, n: int) -> int:
        """Return how many workers have started on attempt n."""
        return len(self._numbered(n, "starts"))

    def last_start(self, n: int) -> datetime | None:
        """Return when a worker last started on attempt n, by the store's clock; None when none has."""
        return max((entry.modified for entry in self._below(n, "starts/")), default=None)

    def last_sign(self, n: int) -> datetime | None:
        """Return when anything was last written below attempt n, by the store's clock."""
        return max((entry.modified for _, entry in self._entries[n]), default=None)

    def sessions(self) -> list[Session]:
        """Return every start, in the order in which they began.

        A place that is noted to wait, and what took a worker away, are no signs of a worker; the record of the next
        start is none of the one before.
        """
        began = sorted(
            (entry.modified, n, int(entry.path.rpartition("/")[2].removesuffix(".json")))
            for n in self.numbers
            for entry in self._below(n, "starts/")
        )
        signs = [
            entry.modified
            for n in self.numbers
            for path, entry in self._entries[n]
            if not path.startswith(("notes/", "disruptions/", "given.json", "retry.json")) and "starts/" not in path
        ]
        marks = {n: reached(self._own(n)) for n in self.numbers}
        stopped = {n: self._numbered(n, "stopped") for n in self.numbers}
        ends = [*(time for time, *_ in began[1:]), None] if began else []
        return [
            Session(
                attempt=n,
                start=start,
                began=time,
                last_sign=max((sign for sign in signs if time <= sign and (end is None or sign <= end)), default=time),
                done=marks[n][start].done if start in marks[n] else 0,
                stopped=start in stopped[n],
            )
            for (time, n, start), end in zip(began, ends, strict=True)
        ]

    def spans(self) -> list[tuple[datetime, datetime]]:
        """Return of every start when it began, and its last sign: see `sessions`."""
        return [(one.began, one.last_sign) for one in self.sessions()]

    def who(self, n: int, start: int) -> Mapping[str, Json]:
        """Return what a start of attempt n said of itself."""
        for entry in self._below(n, f"starts/{start}.json"):
            record = unseal(self._store.read(entry.path), where=f"{self._store.url}: {entry.path}")
            return dict(record["who"])
        return {}

    def left(self, trace: Trace) -> list[Left]:
        """Return what starts left of one sort, in the order of attempts, starts and names."""
        found = []
        for n in self.numbers:
            for entry in self._below(n, f"{trace}/"):
                start, _, name = entry.path.rpartition("/")[2].partition("-")
                found.append(Left(attempt=n, start=int(start), name=name, path=entry.path))
        return sorted(found, key=lambda one: (one.attempt, one.start, one.name))

    def read(self, left: Left) -> bytes:
        """Return the bytes of one. Raises Missing."""
        return self._store.read(left.path)

    def lost_seconds(self) -> float:
        """What all starts but the last took: the last one's worker knows its own time."""
        return sum((end - begin).total_seconds() for begin, end in self.spans()[:-1])

    def failure(self, n: int) -> Failure | None:
        """Return how attempt n failed, or None. Raises Corrupt for a damaged record."""
        if n not in self._failures:
            records = self._below(n, "failure.json")
            self._failures[n] = read_failure(self._store, records[0].path) if records else None
        return self._failures[n]

    def given(self, n: int) -> str:
        """Return what attempt n was given in place of what was planned; "" for what was."""
        for entry in self._below(n, "given.json"):
            return str(unseal(self._store.read(entry.path), where=f"{self._store.url}: {entry.path}")["text"])
        return ""

    def noted(self, n: int) -> Note | None:
        """Return what attempt n was last said to wait for, also when it has started since; None for nothing."""
        notes = sorted(entry.path for entry in self._below(n, "notes/"))
        return read_note(self._store, notes[-1]) if notes else None

    def waits(self, n: int) -> Note | None:
        """Return what attempt n waits for, when nothing has been written below it since that was noted.

        What took a pod away is no word of its worker: a lost node's pods are given up minutes after it was noted.
        """
        signs = [(entry.modified, path) for path, entry in self._entries[n] if not path.startswith("disruptions/")]
        return self.noted(n) if signs and max(signs)[1].startswith("notes/") else None

    def disruptions(self, n: int) -> list[Disruption]:
        """Return what took workers of attempt n away, the oldest first. Raises Corrupt for a damaged record."""
        found = [read_disruption(self._store, entry.path) for entry in self._below(n, "disruptions/")]
        return sorted(found, key=lambda one: one.time)

    def progress(self) -> Progress | None:
        """Return the newest report of the newest attempt that has one. Raises Corrupt for a damaged one."""
        for n in reversed(self.numbers):
            for entry in self._below(n, "progress/"):  # the newest first, by their names
                return read_progress(self._store, entry.path)
        return None

    def step_reached(self, n: int, start: int) -> int:
        """Return the step of the newest checkpoint that was saved up to a start of attempt n; 0 when none was."""
        steps = [0]
        for number in (number for number in self.numbers if number <= n):
            steps += [mark.step for of, mark in reached(self._own(number)).items() if number < n or of <= start]
        return max(steps)

    def starts_without_progress(self) -> int:
        """Return the starts since the last one that got further than all before it, over all attempts.

        Further: more done than ever reported, a checkpoint of a later step, or new records in the journal. A start that
        runs now counts until it has done so; one that stopped because it was asked to never does. A `retry` begins the
        count anew, an end over budget too.
        """
        return self._advances()[0]

    def last_advance(self) -> int:
        """Return the newest attempt that got further than all before it, in the same sense; 0 when none has."""
        return self._advances()[1]

    def _advances(self) -> tuple[int, int]:
        allowed = [n for n in self.numbers if self._below(n, "retry.json")]
        fruitless, most_done, last_step, last_advance = 0, 0, 0, 0
        for n in (n for n in self.numbers if not allowed or n >= allowed[-1]):
            stopped, marks = self._numbered(n, "stopped"), reached(self._own(n))
            for start in self._numbered(n, "starts"):
                mark = marks.get(start)
                fruitless += start not in stopped
                if mark and (mark.done > most_done or mark.step > last_step or mark.journalled):
                    fruitless, last_advance = 0, n
                    most_done, last_step = max(most_done, mark.done), max(last_step, mark.step)
            if fruitless and (failure := self.failure(n)) and failure.outcome == OVER_BUDGET:
                fruitless = 0
        return fruitless, last_advance

    def _below(self, n: int, path: str) -> list[Entry]:
        return [entry for found, entry in self._entries[n] if found.startswith(path)]

    def _own(self, n: int) -> list[str]:
        """Paths of this rank's own records of attempt n, as a first rank would have them."""
        own = [path.removeprefix(self._inside) for path, _ in self._entries[n] if path.startswith(self._inside)]
        return own if self._inside else [path for path in own if not path.startswith("ranks/")]

    def _numbered(self, n: int, what: str) -> Sequence[int]:
        names = [path.removesuffix(".json").split("/") for path in self._own(n)]
        return sorted(int(name[1]) for name in names if name[0] == what and name[1].isdecimal())
