"""A sum over parts of rows whose gradients are made together with it.

What a part needs on the way, such as the logits of its rows, is let go of before the next part is computed, and is not
computed again in the backward pass: that has only to hand on what was made.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

Part = Callable[[torch.Tensor, slice], torch.Tensor]


def summed(
    part: Part, rows: torch.Tensor, weights: Sequence[torch.Tensor], *, at_once: int, gradient: float
) -> torch.Tensor:
    """Return the sum of `part(rows[some], some)`, scalars, over slices of `at_once` of the rows (N, H).

    `weights` are the parameters that `part` uses and that learn. `gradient` is what the backward pass will bring for
    this sum, as far as it is known: gradients are made for it, so that they have the bits that they would have had if
    they had been made then, and those for another one are scaled.
    """
    if torch.is_grad_enabled():
        found: torch.Tensor = _Summed.apply(part, at_once, gradient, rows, *weights)
        return found
    return _total(part(rows[some], some) for some in _slices(rows, at_once))


def _slices(rows: torch.Tensor, at_once: int) -> list[slice]:
    return [slice(first, first + at_once) for first in range(0, len(rows), at_once)]


def _total(losses: Iterable[torch.Tensor]) -> torch.Tensor:
    return functools.reduce(torch.add, losses)


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, part: Part, at_once: int, gradient: float, rows: torch.Tensor, *weights: torch.Tensor
    ) -> torch.Tensor:
        ctx.gradient, wanted = gradient, ctx.needs_input_grad[3]
        made: list[torch.Tensor | None] = [torch.zeros_like(rows) if wanted else None, *[None] * len(weights)]
        losses = []
        for some in reversed(_slices(rows, at_once)):  # as a backward pass would come to them
            own = rows[some].detach().requires_grad_(wanted)
            with torch.enable_grad():
                loss = part(own, some)
            inputs = [*([own] if wanted else []), *weights]
            with torch.autocast(rows.device.type, enabled=False):
                found = torch.autograd.grad(loss, inputs, torch.full_like(loss, gradient), allow_unused=True)
            losses.append(loss.detach())
            del loss
            if wanted and made[0] is not None and found[0] is not None:
                made[0][some] = found[0]
            for place, one in enumerate(found[wanted:], 1):
                before = made[place]
                if one is not None:
                    made[place] = one.contiguous() if before is None else before.add_(one)
        ctx.made = made
        return _total(reversed(losses))

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        factor, made = given[0] / ctx.gradient, ctx.made
        ctx.made = None  # what is handed on need not be copied
        return None, None, None, *(None if one is None else one.mul_(factor) for one in made)
