"""The output of stages, from the chunks of log that workers archive in the store; seconds late for running ones.

With several ranks each has a log of its own. They are shown side by side as they come, each line with its rank, and one
after the other once they have ended.
"""

import time
from collections.abc import Iterator, Sequence

from polyglot.attempts.attempts import Attempts, log_start
from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.plan.plan import unneeded
from polyglot.store.committed import committed_many
from polyglot.store.store import Store

_LOOK_SECONDS = 1.0


def merged_logs(
    stages: Sequence[PlannedStage], store: Store, *, rank: int | None = None, follow: bool = False
) -> Iterator[str]:
    """Yield lines as `<label> | <line>`: stage by stage and attempt by attempt, then, with `follow`, as they come.

    With several ranks that is `<label> rank <r> | <line>`; `rank` chooses one. Following ends when every stage is
    committed, failed or blocked. Raises BadInput for a rank that no stage has.
    """
    tails = [_Tail(planned, store, rank) for planned in stages]
    if rank:
        _check_rank(rank, tails)
    while True:
        # looked at before reading, so that nothing written before the end is missed
        over = not follow or _all_ended(stages, store)
        for tail in tails:
            yield from tail.new_lines()
        if over:
            for tail in tails:
                yield from tail.rest()
            return
        time.sleep(_LOOK_SECONDS)


def _check_rank(rank: int, tails: Sequence["_Tail"]) -> None:
    last = max((number for tail in tails for number in tail.ranks()), default=0)
    if rank > last:
        expected = f"0 to {last}" if last else "0: it runs in one process"
        raise BadInput("no stage here has this rank", where="--rank", got=str(rank), expected=expected)


def _all_ended(stages: Sequence[PlannedStage], store: Store) -> bool:
    """True when each is committed, not needed, failed for good, or behind one that failed.

    `stages` may be a part of a plan.
    """
    done = committed_many(store, [planned.stage for planned in stages])
    idle = unneeded(stages, done)
    broken: set[str] = set()
    for planned in stages:
        if planned.key in done or planned.key in idle:
            continue
        if broken.isdisjoint(planned.needs) and not Attempts(store, planned.stage).blocked():
            return False
        broken.add(planned.key)
    return True


def log_tail(attempts: Attempts, number: int, lines: int) -> list[str]:
    """Return the last lines of an attempt's output."""
    text = b"".join(attempts.log(number)).decode(errors="replace")
    return text.splitlines()[-lines:]


class _Tail:
    """What has been read of one stage's logs."""

    def __init__(self, planned: PlannedStage, store: Store, rank: int | None) -> None:
        self._planned, self._rank = planned, rank
        self._attempts = Attempts(store, planned.stage)
        self._seen: set[str] = set()
        self._halves: dict[tuple[int, int, int], bytes] = {}  # of lines whose end is in the next chunk of that start

    def ranks(self) -> set[int]:
        """The ranks that are planned, and those that ever left a record."""
        found = set(range(self._planned.resources.ranks))
        return found.union(*(self._attempts.ranks(number) for number in self._attempts.numbers()))

    def new_lines(self) -> Iterator[str]:
        for number in self._attempts.numbers():
            ranks = self._attempts.ranks(number)
            ranked = self._is_ranked(ranks)
            for rank in ranks:
                if self._rank in (None, rank):
                    yield from self._new_of(number, rank, ranked)

    def _new_of(self, number: int, rank: int, ranked: bool) -> Iterator[str]:
        for path, chunk in self._attempts.of_rank(rank).log_since(number, self._seen):
            self._seen.add(path)
            start = log_start(path)
            for other in [key for key in self._halves if key[:2] == (number, rank) and key[2] < start]:
                yield from self._line(self._halves.pop(other), rank if ranked else None)  # it was killed in a line
            key = number, rank, start
            *lines, half = (self._halves.pop(key, b"") + chunk).split(b"\n")
            for line in lines:
                yield from self._line(line, rank if ranked else None, empty=True)
            self._halves[key] = half

    def rest(self) -> Iterator[str]:
        for (number, rank, _), half in self._halves.items():
            ranked = bool(half) and self._is_ranked(self._attempts.ranks(number))
            yield from self._line(half, rank if ranked else None)

    def _is_ranked(self, ranks: Sequence[int]) -> bool:
        """Whether lines need their rank; a stage of an old submission does not say how many were planned."""
        return len(ranks) > 1 or self._planned.resources.ranks > 1

    def _line(self, line: bytes, rank: int | None, *, empty: bool = False) -> Iterator[str]:
        if line or empty:
            which = "" if rank is None else f" rank {rank}"
            yield f"{self._planned.label}{which} | {line.decode(errors='replace')}"
