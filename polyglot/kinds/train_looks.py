"""How long a training looks at the rows held back: forward passes alone, between its steps."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from polyglot.kinds.device import Device
from polyglot.kinds.forecast import Ask
from polyglot.kinds.shape import Shape
from polyglot.kinds.training import reading_operations, steps_of_epochs

if TYPE_CHECKING:
    from polyglot.kinds.train import TrainParams


def looks_seconds(
    ask: Ask,
    params: "TrainParams",
    shape: Shape,
    device: Device,
    *,
    rows: float,
    places: float,
    ranks: int,
    adapter: int | None,
    exchange: Callable[..., float],
) -> float:
    """Seconds of all looks, as far as the tokens held back are known.

    `rows` of the mix, `places` of a forward pass, with padding. A pass takes as long as it computes, or as long as its
    weights are fetched: `exchange` is `exchange_seconds` of this training.
    """
    held_back = [texts for _, facts in ask.of("validation") for texts in facts.texts.values() if texts.tokens]
    operations = sum(
        reading_operations(
            shape,
            tokens=texts.tokens or 0,
            targets=texts.loss_tokens or 0,
            length=(texts.tokens or 0) / texts.rows,
            adapter=adapter,
        )
        for texts in held_back
    )
    passes = sum(math.ceil((texts.tokens or 0) / (ranks * places)) for texts in held_back)
    fetched = exchange(passes=passes, backwards=False)
    return _looks(params, rows) * max(operations / device.reached / ranks, fetched)


def _looks(params: "TrainParams", rows: float) -> int:
    """How many: every so many steps, and at the end."""
    steps = params.steps or max(1, steps_of_epochs(params.epochs or 0, rows, params.batch_size))
    return math.ceil(steps / params.validate_every) if params.validate_every else 1
