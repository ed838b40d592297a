"""The layouts that a fine-tuning may have where a profile says `layout: auto`: on which GPUs, how much at once.

`estimates` forecasts each of them and takes the fastest that fits. What a profile says itself stays as it says it; its
`gpus` and `ranks` are the most that may be used. Without GPUs only what is computed again is chosen, as results on
processors depend on the rest.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from polyglot.core.canonical import Json
from polyglot.kinds.forecast import Ask, Layout
from polyglot.kinds.shape import Shape

if TYPE_CHECKING:
    from polyglot.kinds.train import TrainParams

_TOKENS = (16384, 8192, 4096, 2048, 1024, 32768, 65536)  # the default first: of equally fast ones the first is taken
_QUARTERS = (0, 1, 2, 3, 4)  # of the layers, that are computed again


def layouts(ask: Ask, params: "TrainParams") -> Iterator[Layout]:
    """All of them; of a model that nobody knows the one that needs least."""
    shape, said = ask.inputs["base"].shape, ask.settings
    places = list(_places(ask, params, shape))
    if shape is None:
        gpus, ranks = places[0]
        yield Layout(gpus=gpus, ranks=ranks, settings={} if said.get("recompute") is not None else {"recompute": True})
        return
    sizes: Sequence[int | None] = _TOKENS if ask.resources.gpus and not said.get("micro_batch_tokens") else (None,)
    layers: Sequence[int | None] = (None,)
    if said.get("recompute") is None:
        layers = tuple(dict.fromkeys(shape.layers * quarter // 4 for quarter in _QUARTERS))
    may = ask.resources.gpus and said.get("offload") is None and params.optimizer == "adamw"
    for offload, (gpus, ranks), tokens, again in itertools.product(
        (None, True) if may else (None,), places, sizes, layers
    ):
        settings: dict[str, Json] = {"micro_batch_tokens": tokens, "offload": offload}
        if again is not None:
            settings["recompute"] = again if 0 < again < shape.layers else again > 0
        chosen = {name: value for name, value in settings.items() if value is not None}
        yield Layout(gpus=gpus, ranks=ranks, settings=chosen)


def _places(ask: Ask, params: "TrainParams", shape: Shape | None) -> Iterator[tuple[int, int]]:
    """GPUs of a pod, and pods: fewer pods only with all GPUs of each; no more ranks than a step has samples."""
    gpus, ranks = ask.resources.gpus, ask.resources.ranks
    if not gpus:
        yield gpus, ranks
        return
    for each, pods in [*((gpus, pods) for pods in _steps_down(ranks)), *((each, 1) for each in _steps_down(gpus)[1:])]:
        if (each, pods) == (1, 1) or (each * pods <= params.batch_size and _can_be_cut(shape, each * pods)):
            yield each, pods


def _steps_down(most: int) -> list[int]:
    """The most, and the powers of two below."""
    return [most, *(2**power for power in reversed(range(most.bit_length())) if 2**power < most)]


def _can_be_cut(shape: Shape | None, ranks: int) -> bool:
    """Whether so many ranks can share the experts' matrices, as the training wants it; of an unknown shape yes."""
    return (
        shape is None
        or shape.experts % ranks == 0
        or not (shape.hidden % ranks or shape.intermediate % ranks)
        or shape.experts == 1
    )
