"""The layouts that a fine-tuning may have where a profile says `layout: auto`: on which GPUs, how much at once.

`estimates` forecasts each of them and takes the fastest that fits. What a profile says itself stays as it says it; its
`gpus` and `ranks` are the most that may be used. Without GPUs only what is computed again is chosen, as results on
processors depend on the rest.
"""

import itertools
from collections.abc import Iterator
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
    shape = ask.inputs["base"].shape
    if shape is None:
        yield Layout(gpus=ask.resources.gpus, ranks=ask.resources.ranks, settings=_open(ask, recompute=True))
        return
    places = list(_places(ask, params, shape))
    sizes: tuple[int | None, ...] = _TOKENS if ask.resources.gpus else (None,)
    layers = dict.fromkeys(shape.layers * quarter // 4 for quarter in _QUARTERS)
    offloads = (False, True) if ask.resources.gpus and params.optimizer == "adamw" else (False,)
    seen = []
    for offload, (gpus, ranks), tokens, again in itertools.product(offloads, places, sizes, layers):
        recompute: Json = again if 0 < again < shape.layers else again > 0
        settings = _open(ask, micro_batch_tokens=tokens, recompute=recompute, offload=offload or None)
        layout = Layout(gpus=gpus, ranks=ranks, settings=settings)
        if layout not in seen:
            seen.append(layout)
            yield layout


def _open(ask: Ask, **chosen: Json) -> dict[str, Json]:
    """Of these settings, the ones that the profile has left open."""
    return {name: value for name, value in chosen.items() if value is not None and ask.settings.get(name) is None}


def _places(ask: Ask, params: "TrainParams", shape: Shape) -> Iterator[tuple[int, int]]:
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


def _can_be_cut(shape: Shape, ranks: int) -> bool:
    """Whether so many ranks can share the experts' matrices, as the training wants it."""
    return shape.experts % ranks == 0 or not (shape.hidden % ranks or shape.intermediate % ranks) or shape.experts == 1
