"""What a fine-tuning needs, from its recipe, its settings, and what is known of its base model and its mix."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from polyglot.kinds.forecast import (
    GPU_CONTEXT_BYTES,
    GPU_PROCESS_BYTES,
    PROCESS_BYTES,
    START_SECONDS,
    Ask,
    Facts,
    Forecast,
    Texts,
)
from polyglot.kinds.shape import Shape
from polyglot.kinds.train_looks import looks_seconds
from polyglot.kinds.training import (
    GAPS,
    HOST_BYTES_PER_SECOND,
    adapter_parameters,
    exchange_seconds,
    recomputed_layers,
    targets_at_once,
    training_memory,
    training_seconds,
)

if TYPE_CHECKING:
    from polyglot.kinds.train import TrainParams

MICRO_BATCH_TOKENS = {"cpu": 4096, "cuda": 16384}  # by device, where a profile does not say
EXPORT_FILE_BYTES = 2 * 10**9  # of a file of the result's weights, unless one layer is larger
_PADDED = 1.2  # places a token
_VARIED = 1.3  # how much longer than the mean the longest of some steps is, times the root of a step's samples
_FILLED = 0.9  # of the places of a micro-batch are no padding
_MORE_RANKS = (2, 4, 8, 16, 32, 64)
_WRITTEN_BYTES_PER_SECOND = 200e6  # to a store, assumed


def forecast(ask: Ask, params: "TrainParams", processes: int) -> Forecast:
    """Memory of a rank and time of the whole; a pod has so many processes."""
    base = ask.inputs["base"]
    if base.shape is None:
        return Forecast(lacking=("the base model's shape",))
    shape, gpu = base.shape, ask.resources.gpus > 0
    adapter = None
    if params.method == "lora":
        adapter = adapter_parameters(shape, params.lora_rank or 0, params.lora_modules)
    trained = shape.parameters if adapter is None else adapter
    half, again = gpu and params.precision == "bfloat16", recomputed_layers(ask.settings.get("recompute"), shape.layers)
    offload = gpu and bool(ask.settings.get("offload"))
    mixed = tuple(ask.inputs["mix"].texts.values())
    ranks = ask.resources.ranks * processes
    at_once, passes = _passes(ask, params, mixed, ranks)
    share = _learnt(mixed)
    process = GPU_CONTEXT_BYTES if gpu else PROCESS_BYTES
    logits = ask.settings.get("logits_at_once")
    most = logits if isinstance(logits, int) and logits else targets_at_once(shape.vocabulary)

    def memory(*, recompute: int, ranks: int) -> dict[str, int]:
        held = training_memory(
            shape,
            tokens=at_once,
            targets=min(at_once * share * _FILLED, most),
            half=half,
            recompute=recompute,
            gaps=GAPS if gpu else 0.0,
            ranks=ranks,
            adapter=adapter,
            optimizer=params.optimizer,
            offload=offload,
        )
        return {**held, "process": process}

    written = shape.parameters * (4 if params.precision == "float32" else shape.dtype_bytes)
    size = 12 * trained  # a checkpoint
    shared = 1 if gpu else processes  # so many hold all of this in the same memory
    # weights or moments of a checkpoint, on their way to a file; at the end a file of the result and a layer
    beside = processes * GPU_PROCESS_BYTES + max(
        processes * 4 * trained // ranks, min(written, EXPORT_FILE_BYTES) + written // shape.layers
    )
    if offload:
        beside += processes * (16 if adapter is None else 4) * shape.parameters // ranks
    common = Forecast(
        memory={name: shared * part for name, part in memory(recompute=again, ranks=ranks).items()},
        host_bytes=beside if gpu else None,
        parameters=shape.parameters,
        disk_bytes=size // ask.resources.ranks + written + 4 * (adapter or 0) + shape.parameters * shape.dtype_bytes,
        sources={"parameters": base.source},
        smaller=tuple(
            (said, shared * sum(memory(recompute=shape.layers, ranks=number).values()))
            for said, number in _smaller(ask, params, shape, ranks, again)
        ),
        result=Facts(
            source=base.source,
            shape=shape if written == shape.parameters * shape.dtype_bytes else replace(shape, dtype_bytes=4),
            answer_tokens=_answer_tokens(mixed),
        ),
    )
    rows = sum(texts.rows for texts in mixed)
    if not rows:
        return replace(common, lacking=("the mix's rows and tokens",))
    samples = params.steps * params.batch_size if params.steps else (params.epochs or 0) * rows
    tokens = samples * sum(texts.tokens or 0 for texts in mixed) / rows
    sources = {**common.sources, "tokens": ask.inputs["mix"].source}
    if ask.settings.get("layout"):
        sources["layout"] = _layout(ask, shape, processes, again)
    if ask.device is None:
        lacking = ("the GPU's name: write `device:` into the profile or its pool",)
        return replace(common, tokens=tokens, sources=sources, lacking=lacking)
    steps = params.steps or samples / params.batch_size
    seconds = training_seconds(
        shape,
        ask.device,
        steps=steps,
        tokens=tokens,
        targets=tokens * share,
        length=tokens / samples,
        recomputed=again / shape.layers,
        adapter=adapter,
        updates=HOST_BYTES_PER_SECOND / processes if offload else None,
    )
    exchange = partial(
        exchange_seconds,
        shape,
        ask.device,
        pods=ask.resources.ranks,
        processes=processes,
        half=half,
        offload=offload,
    )
    exchanged = exchange(passes=steps * passes, frozen=adapter is not None)
    looked = looks_seconds(
        ask,
        params,
        shape,
        ask.device,
        rows=rows,
        places=_most_places(ask),
        ranks=ranks,
        adapter=adapter,
        exchange=exchange,
    )
    loading = 2 * written / _WRITTEN_BYTES_PER_SECOND
    sources["time"] = str(ask.device)
    # layers are fetched and gradients summed while others compute
    return replace(
        common,
        tokens=tokens,
        seconds=START_SECONDS + loading + max(seconds / ranks, exchanged) + looked,
        sources=sources,
    )


def _smaller(ask: Ask, params: "TrainParams", shape: Shape, ranks: int, again: int) -> list[tuple[str, int]]:
    """What could be set so that a rank holds less, and the ranks that there would be."""
    found = [] if again == shape.layers else [("`recompute: true` in the profile's settings of train", ranks)]
    more = [number for number in _MORE_RANKS if ask.resources.gpus and ranks < number <= params.batch_size]
    return found + [(f"`recompute: true` and {number} processes (ranks x gpus)", number) for number in more]


def _passes(ask: Ask, params: "TrainParams", mixed: Sequence[Texts], ranks: int) -> tuple[float, int]:
    """Places in the largest forward pass, and passes of a step.

    The former are what the setting says, or all of a step where that is less; a sequence at least.
    """
    most = _most_places(ask)
    longest = max((texts.longest or 0 for _, facts in ask.of("tokens") for texts in facts.texts.values()), default=0)
    rows = sum(texts.rows for texts in mixed)
    mean = sum(texts.tokens or 0 for texts in mixed) / rows if rows else most
    samples = max(1, params.batch_size // ranks)
    usual = samples * mean * _PADDED
    step = usual * (1 + _VARIED / math.sqrt(samples))
    if longest and not params.packed_tokens:
        step = min(step, float(samples * longest))
    if step > most and not ask.resources.gpus and not params.packed_tokens:
        most -= longest // 2  # what does not fit begins another pass; on a GPU nothing is spared
    held = max(min(float(most), step), float(params.packed_tokens or longest))
    return held, max(1, math.ceil(usual / held))


def _most_places(ask: Ask) -> int:
    """Of a forward pass, padding included."""
    limit = ask.settings.get("micro_batch_tokens")
    return limit if isinstance(limit, int) and limit else MICRO_BATCH_TOKENS["cuda" if ask.resources.gpus else "cpu"]


def _layout(ask: Ask, shape: Shape, processes: int, again: int) -> str:
    """In words, what was chosen."""
    parts = [f"{ask.resources.ranks} x {processes} processes"]
    if isinstance(tokens := ask.settings.get("micro_batch_tokens"), int):
        parts.append(f"{tokens} tokens at once")
    parts.append(f"{again} of {shape.layers} layers computed again")
    return ", ".join(parts) + (", weights and optimiser beside the GPU" if ask.settings.get("offload") else "")


def _learnt(mixed: Sequence[Texts]) -> float:
    """The share of tokens that are supervised; 0.7 where nobody knows."""
    tokens = sum(texts.tokens or 0 for texts in mixed)
    return sum(texts.loss_tokens or 0 for texts in mixed) / tokens if tokens else 0.7


def _answer_tokens(mixed: Sequence[Texts]) -> float | None:
    """The mean length of what is learnt: how long the tuned model's answers will be."""
    answers = sum(texts.answers or texts.rows for texts in mixed)
    return sum(texts.loss_tokens or 0 for texts in mixed) / answers if answers else None
