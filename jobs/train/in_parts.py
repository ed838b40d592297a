"""The loss of an output layer's rows in parts, whose gradients are made together with it.

What a part needs on the way, its logits above all, is let go of before the next part is computed, and is not computed
again in the backward pass: that has only to hand on what was made.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

Loss = Callable[[torch.Tensor, slice], torch.Tensor]


def loss_in_parts(
    layer: nn.Linear, rows: torch.Tensor, loss: Loss, *, at_once: int, gradient: float = 1.0
) -> torch.Tensor:
    """Return the sum of `loss(layer(rows[some]), some)`, float32 scalars, over slices of `at_once` of the rows (N, H).

    `gradient` is what the backward pass will bring for this sum, as far as it is known: gradients are made for it, so
    that they have the bits that they would have had if they had been made then, and those for another one are scaled.
    """
    parts = [slice(first, first + at_once) for first in range(0, len(rows), at_once)]
    parameters = [layer.weight] if layer.bias is None else [layer.weight, layer.bias]
    learning = [one for one in (rows, *parameters) if one.requires_grad]
    if not learning or not torch.is_grad_enabled():
        return reduce(torch.add, [loss(functional.linear(rows[some], *parameters), some) for some in parts])
    made = _Gradients(rows, parameters)
    losses = [made.add(some, loss, gradient) for some in reversed(parts)]  # as a backward pass would come to them
    total: torch.Tensor = _HandOn.apply(reduce(torch.add, losses[::-1]), gradient, made.all(), *learning)
    return total


class _Gradients:
    """Of rows, and of parameters in the type in which these are multiplied."""

    def __init__(self, rows: torch.Tensor, parameters: Sequence[torch.Tensor]) -> None:
        self._rows, self._leaves = rows, [_leaf(one) for one in parameters]
        self._of_rows = torch.zeros_like(rows) if rows.requires_grad else None
        self._of_parameters: dict[int, torch.Tensor] = {}

    def add(self, some: slice, loss: Loss, gradient: float) -> torch.Tensor:
        """Compute a part, and return its loss. What it needed is gone when this returns."""
        own = self._rows[some].detach().requires_grad_(self._rows.requires_grad)
        value = loss(functional.linear(own, *self._leaves), some)
        inputs = [one for one in (own, *self._leaves) if one.requires_grad]
        with torch.autocast(value.device.type, enabled=False):
            found = list(torch.autograd.grad(value, inputs, torch.full_like(value, gradient)))
        if self._of_rows is not None:
            self._of_rows[some] = found.pop(0)
        for place, one in enumerate(found):
            self._of_parameters[place] = self._of_parameters[place].add_(one) if place in self._of_parameters else one
        return value.detach()

    def all(self) -> list[torch.Tensor]:
        """One for each that learns: rows first."""
        return [*([] if self._of_rows is None else [self._of_rows]), *self._of_parameters.values()]


def _leaf(parameter: torch.Tensor) -> torch.Tensor:
    """The parameter as it is multiplied: cast once for all parts where autocast would cast it."""
    device, leaf = parameter.device.type, parameter.detach()
    if torch.is_autocast_enabled(device):
        leaf = leaf.to(torch.get_autocast_dtype(device))
    return leaf.requires_grad_(parameter.requires_grad)


class _HandOn(torch.autograd.Function):
    """A value whose gradients were made before, for the gradient of it that was expected."""

    @staticmethod
    def forward(
        ctx: Any, value: torch.Tensor, expected: float, made: list[torch.Tensor], *learning: torch.Tensor
    ) -> torch.Tensor:
        del learning
        ctx.expected, ctx.made = expected, made
        return value.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        made, ctx.made = ctx.made, None  # what is handed on need not be copied
        if made is None:
            raise RuntimeError("the gradients of this loss were handed on already")
        factor = given[0] / torch.full_like(given[0], ctx.expected)  # by a number a GPU would multiply by its inverse
        return None, None, None, *(one.mul_(factor) for one in made)
