"""Answers of a batch that begins together: for models whose conversations cannot come and go (see `batching`).

Rows are padded on the left. Those that have ended leave the batch once they are the half of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from jobs.answer.engines.decoding import uniforms
from jobs.answer.engines.engine import Generated, Growing, Request

if TYPE_CHECKING:
    from jobs.answer.engines.generation import Generator


@dataclass(slots=True)
class _Row(Growing):
    number: int = 0  # place among the requests


@torch.inference_mode()
def answer(
    generator: "Generator", requests: Sequence[Request], check: Callable[[], None] | None = None
) -> list[Generated]:
    """Answer these, in their order. `check` is called now and then and may raise to leave."""
    rows = [_Row(request, number=number) for number, request in enumerate(requests)]
    for some in _together(generator, rows):
        _answer(generator, some, check)
    return [row.result for row in rows if row.result is not None]


def _together(generator: "Generator", rows: Sequence[_Row]) -> list[list[_Row]]:
    """The rows that are computed at once."""
    groups: dict[int, list[_Row]] = {}
    for row in rows:
        key = {"any": 0, "equal-lengths": len(row.request.prompt), "one": row.number}[generator.batching.together]
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def _answer(generator: "Generator", rows: list[_Row], check: Callable[[], None] | None) -> None:
    state = _State(generator, rows)
    while state.rows:
        chosen, finite = state.step()
        for row, token, fine in zip(state.rows, chosen, finite, strict=True):
            if row.result is None:
                endings = generator.endings
                row.result = endings.after(row, token) if fine else endings.ended(row, "not-finite")
        state.forget_finished()
        if check is not None and state.steps % 16 == 0:
            check()


class _State:
    """Tensors of a batch under way, one line per row that is still computed."""

    def __init__(self, generator: "Generator", rows: list[_Row]) -> None:
        self.rows, self.steps, self._generator = rows, 0, generator
        if not rows:
            return
        self._inputs, self._mask = generator.padded([row.request.prompt for row in rows], generator.pad_id)
        self._whole = self._inputs
        # without a cache every step reads the whole row again
        self._cache = generator.new_cache() if generator.batching.cached else None
        device = self._inputs.device
        self._temperatures = torch.tensor([row.request.temperature for row in rows], device=device)
        longest = max(row.request.max_new_tokens for row in rows)
        sampled = any(row.request.temperature > 0 for row in rows)
        self._numbers = uniforms([row.request.seed for row in rows], longest if sampled else 0).to(device)

    def step(self) -> tuple[list[int], list[bool]]:
        """Compute one token of every row; also whether its logits were numbers."""
        logits = self._generator.forward(self._inputs, self._mask, self._cache)
        number = self._numbers[:, self.steps] if self._numbers.shape[1] else self._temperatures
        tokens, fine = self._generator.chosen(logits, self._temperatures, number)
        self.steps += 1
        column = torch.tensor(tokens, device=self._mask.device).unsqueeze(1)
        self._mask = torch.cat([self._mask, torch.ones_like(column)], dim=1)
        if self._cache is None:
            self._inputs = self._whole = torch.cat([self._whole, column], dim=1)
        else:
            self._inputs = column
        return tokens, fine

    def forget_finished(self) -> None:
        """Drop rows that have ended, once they are half of the batch: each drop copies the cache."""
        going = [place for place, row in enumerate(self.rows) if row.result is None]
        if not going:
            self.rows = []
        elif 2 * len(going) <= len(self.rows):
            index = torch.tensor(going, device=self._mask.device)
            if self._cache is not None and not self._generator.select(self._cache, index):
                return
            self.rows = [self.rows[place] for place in going]
            self._inputs, self._mask = self._inputs[index], self._mask[index]
            self._whole = self._whole[index] if self._cache is None else self._whole
            self._temperatures, self._numbers = self._temperatures[index], self._numbers[index]
