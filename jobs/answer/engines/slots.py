"""Answers in slots: each conversation goes on by itself, and whoever ends makes room at once.

A step computes one token of every conversation under way. One whose turn has ended is asked its next one from the keys
and values that it has: only what is new in the prompt is computed. One that is over leaves its slot to the next that
waits. Prompts are computed a few at a time, of similar lengths, so that little is padded.

What is computed beside what follows from the requests, their order and their answers alone. A row's draws are its own
(see `decoding`).
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from jobs.answer.engines.decoding import uniforms
from jobs.answer.engines.engine import Generated, Growing, Request
from jobs.answer.engines.slot_cache import Joining, SlotCache
from polyglot.kinds.answer import PROMPTS_AT_ONCE

if TYPE_CHECKING:
    from jobs.answer.engines.generation import Generator

_SIMILAR = 1.25  # the longest of them over the shortest


@dataclass(slots=True, kw_only=True)
class _Row(Growing):
    name: str
    numbers: list[float]  # one a token, or none where nothing is drawn

    @property
    def number(self) -> float:
        return self.numbers[len(self.ids)] if self.numbers else 0.0


class Slots:
    """Conversations with one model, `size` at once; fewer where so many of the longest prompt were over `tokens`."""

    def __init__(self, generator: "Generator", size: int, tokens: int | None = None) -> None:
        """`generator` has a model that `SlotCache.holds` says yes to."""
        self._generator, self._most, self._tokens = generator, size, tokens
        self._cache = SlotCache(generator)
        self._size = size
        self._rows: list[_Row] = []  # by line of the cache
        self._waiting: deque[_Row] = deque()
        self._steps = 0

    def add(self, name: str, request: Request) -> None:
        """Take a request in; of a name that has just been answered it is the next turn."""
        drawn = request.temperature > 0
        numbers = uniforms([request.seed], request.max_new_tokens)[0].tolist() if drawn else []
        self._waiting.append(_Row(request, name=name, numbers=numbers))

    @torch.inference_mode()
    def step(self, check: Callable[[], None] | None = None) -> list[tuple[str, Generated]]:
        """Compute what has been added, or one token of every row; the names that are answered by that."""
        self._steps += 1
        if check is not None and self._steps % 16 == 0:
            check()
        joining = self._joining()
        found = [ended for some in _similar(joining) for ended in self._join(some)]
        if found or not self._rows:
            return found  # who has ended may have a next turn, which comes first
        logits = self._cache.step([row.ids[-1] for row in self._rows])
        return self._choose(self._rows, logits)

    def _joining(self) -> list[tuple[_Row, Joining]]:
        """Who is computed from its prompt now: next turns, and new conversations where slots are free."""
        waiting = {row.name: row for row in self._waiting}
        for line in reversed(range(len(self._rows))):
            if self._rows[line].result is not None and self._rows[line].name not in waiting:
                self._leave(line)
        if not self._rows and self._waiting and self._tokens is not None:
            longest = max(len(row.request.prompt) for row in self._waiting)
            self._size = min(self._most, max(1, self._tokens // longest))
        lines = {row.name: line for line, row in enumerate(self._rows)}
        found = []
        for row in [row for row in self._waiting if row.name in lines]:
            line = lines[row.name]
            found.append((row, self._next_turn(row, line)))
            self._rows[line] = row
            self._waiting.remove(row)
        self._cache.slots = min(self._size, len(self._rows) + len(self._waiting))
        room = self._size - len(self._rows)
        new = [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
        return found + [(row, Joining(ids=row.request.prompt)) for row in new]

    def _next_turn(self, row: _Row, line: int) -> Joining:
        """What the line's ids and the prompt begin with alike need not be computed."""
        before, prompt = self._rows[line], row.request.prompt
        held = [*before.request.prompt, *before.ids][: self._cache.lengths[line]]
        most = min(len(held), len(prompt) - 1)
        kept = next((place for place in range(most) if held[place] != prompt[place]), most)
        return Joining(ids=prompt, line=line, kept=kept)

    def _join(self, some: Sequence[tuple[_Row, Joining]]) -> list[tuple[str, Generated]]:
        rows = [row for row, _ in some]
        logits = self._cache.join([joining for _, joining in some])
        self._rows += [row for row, joining in some if joining.line is None]
        return self._choose(rows, logits)

    def _leave(self, line: int) -> None:
        self._cache.leave(line)
        last = self._rows.pop()
        if line != len(self._rows):
            self._rows[line] = last

    def _choose(self, rows: Sequence[_Row], logits: torch.Tensor) -> list[tuple[str, Generated]]:
        """Give each row its next token; who has ended by it."""
        generator, device = self._generator, logits.device
        chosen, finite = generator.chosen(
            logits,
            torch.tensor([row.request.temperature for row in rows], device=device),
            torch.tensor([row.number for row in rows], dtype=torch.float64, device=device),
        )
        found = []
        for row, token, fine in zip(rows, chosen, finite, strict=True):
            endings = generator.endings
            row.result = endings.after(row, token) if fine else endings.ended(row, "not-finite")
            if row.result is not None:
                found.append((row.name, row.result))
        return found


def _similar(joining: Sequence[tuple[_Row, Joining]]) -> Iterator[list[tuple[_Row, Joining]]]:
    """A few at a time, of similar numbers of ids that are to be computed; those with most first."""
    some: list[tuple[_Row, Joining]] = []
    for one in sorted(joining, key=lambda one: -_new(one[1])):  # stable: equals stay in their order
        if some and (len(some) == PROMPTS_AT_ONCE or _SIMILAR * _new(one[1]) < _new(some[0][1])):
            yield some
            some = []
        some.append(one)
    if some:
        yield some


def _new(joining: Joining) -> int:
    return len(joining.ids) - joining.kept
