"""What a fine-tuning needs, from its recipe, its settings, and what is known of its base model and its mix."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Self

from polyglot.kinds.device import Device
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
from polyglot.kinds.settings import count_of, threads_each
from polyglot.kinds.shape import Shape
from polyglot.kinds.train_looks import looks_seconds
from polyglot.kinds.training import (
    GAPS,
    adapter_parameters,
    exchange_seconds,
    host_bytes_per_second,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tuning:
    """A fine-tuning, with what its recipe and its settings come to."""

    ask: Ask
    params: "TrainParams"
    shape: Shape
    mixed: tuple[Texts, ...]
    processes: int  # of each pod
    ranks: int
    adapter: int | None  # its parameters; None: the model's own are trained
    half: bool  # computes in bfloat16
    offload: bool
    again: int  # layers whose activations are computed twice
    at_once: float  # places in the largest forward pass
    passes: int  # of a step

    @classmethod
    def of(cls, ask: Ask, params: "TrainParams", shape: Shape, processes: int) -> Self:
        """Read it off."""
        gpu, mixed, ranks = ask.resources.gpus > 0, tuple(ask.inputs["mix"].texts.values()), ask.resources.ranks
        lora = params.method == "lora"
        at_once, passes = _passes(ask, params, mixed, ranks * processes)
        return cls(
            ask=ask,
            params=params,
            shape=shape,
            mixed=mixed,
            processes=processes,
            ranks=ranks * processes,
            adapter=adapter_parameters(shape, params.lora_rank or 0, params.lora_modules) if lora else None,
            half=gpu and params.precision == "bfloat16",
            offload=gpu and bool(ask.settings.get("offload")),
            again=recomputed_layers(ask.settings.get("recompute"), shape.layers),
            at_once=at_once,
            passes=passes,
        )

    @property
    def gpu(self) -> bool:
        """Whether it computes on one."""
        return self.ask.resources.gpus > 0

    @property
    def threads(self) -> int:
        """Of each process, as the worker chooses them."""
        return threads_each(self.ask.settings, cpus=self.ask.resources.cpus, processes=self.processes)

    @property
    def written_bytes(self) -> int:
        """Of the result's weights."""
        return self.shape.parameters * (4 if self.params.precision == "float32" else self.shape.dtype_bytes)


def forecast(ask: Ask, params: "TrainParams", processes: int) -> Forecast:
    """Memory of a rank and time of the whole; a pod has so many processes."""
    base = ask.inputs["base"]
    if base.shape is None:
        return Forecast(lacking=("the base model's shape",))
    one = _Tuning.of(ask, params, base.shape, processes)
    held = _held(one, base.source)
    rows = sum(texts.rows for texts in one.mixed)
    if not rows:
        return replace(held, lacking=("the mix's rows and tokens",))
    samples = params.steps * params.batch_size if params.steps else (params.epochs or 0) * rows
    tokens = samples * sum(texts.tokens or 0 for texts in one.mixed) / rows
    sources = {**held.sources, "tokens": ask.inputs["mix"].source}
    if ask.settings.get("layout"):
        sources["layout"] = _layout(one)
    if ask.device is None:
        lacking = ("the GPU's name: write `device:` into the profile or its pool",)
        return replace(held, tokens=tokens, sources=sources, lacking=lacking)
    sources["time"] = str(ask.device)
    seconds = _seconds(one, ask.device, rows=rows, samples=samples, tokens=tokens)
    return replace(held, tokens=tokens, seconds=seconds, sources=sources)


def _held(one: _Tuning, source: str) -> Forecast:
    """What it holds in memory and on disk, and what its result is."""
    shape, adapter, ranks = one.shape, one.adapter, one.ranks
    trained = shape.parameters if adapter is None else adapter
    written, size = one.written_bytes, 12 * trained  # of a checkpoint
    shared = 1 if one.gpu else one.processes  # so many hold all of this in the same memory
    # weights or moments of a checkpoint, on their way to a file; at the end a file of the result and a layer
    beside = one.processes * GPU_PROCESS_BYTES + max(
        one.processes * 4 * trained // ranks, min(written, EXPORT_FILE_BYTES) + written // shape.layers
    )
    if one.offload:
        beside += one.processes * (16 if adapter is None else 4) * shape.parameters // ranks
    stored = size // one.ask.resources.ranks + written + 4 * (adapter or 0)
    return Forecast(
        memory={name: shared * part for name, part in _memory(one, recompute=one.again, ranks=ranks).items()},
        host_bytes=beside if one.gpu else None,
        parameters=shape.parameters,
        disk_bytes=stored + shape.parameters * shape.dtype_bytes,
        sources={"parameters": source},
        smaller=tuple(
            (said, shared * sum(_memory(one, recompute=shape.layers, ranks=number).values()))
            for said, number in _smaller(one)
        ),
        result=Facts(
            source=source,
            shape=shape if written == shape.parameters * shape.dtype_bytes else replace(shape, dtype_bytes=4),
            answer_tokens=_answer_tokens(one.mixed),
        ),
    )


def _memory(one: _Tuning, *, recompute: int, ranks: int) -> dict[str, int]:
    """Of a rank, by what it is for, if so many layers were computed again by so many ranks."""
    most = count_of(one.ask.settings, "logits_at_once") or targets_at_once(one.shape.vocabulary)
    held = training_memory(
        one.shape,
        tokens=one.at_once,
        targets=min(one.at_once * _learnt(one.mixed) * _FILLED, most),
        half=one.half,
        recompute=recompute,
        gaps=GAPS if one.gpu else 0.0,
        ranks=ranks,
        adapter=one.adapter,
        optimizer=one.params.optimizer,
        offload=one.offload,
    )
    return {**held, "process": GPU_CONTEXT_BYTES if one.gpu else PROCESS_BYTES}


def _seconds(one: _Tuning, device: Device, *, rows: float, samples: float, tokens: float) -> float:
    """From its start to its commit."""
    ask, params, shape = one.ask, one.params, one.shape
    steps = params.steps or samples / params.batch_size
    computed = training_seconds(
        shape,
        device,
        steps=steps,
        tokens=tokens,
        targets=tokens * _learnt(one.mixed),
        length=tokens / samples,
        recomputed=one.again / shape.layers,
        adapter=one.adapter,
        updates=host_bytes_per_second(processes=one.processes, threads=one.threads) if one.offload else None,
    )
    exchange = partial(
        exchange_seconds,
        shape,
        device,
        pods=ask.resources.ranks,
        processes=one.processes,
        half=one.half,
        offload=one.offload,
    )
    exchanged = exchange(passes=steps * one.passes, frozen=one.adapter is not None)
    looked = looks_seconds(
        ask,
        params,
        shape,
        device,
        rows=rows,
        places=_most_places(ask),
        ranks=one.ranks,
        adapter=one.adapter,
        exchange=exchange,
    )
    loading = 2 * one.written_bytes / _WRITTEN_BYTES_PER_SECOND
    # layers are fetched and gradients summed while others compute
    return START_SECONDS + loading + max(computed / one.ranks, exchanged) + looked


def _smaller(one: _Tuning) -> list[tuple[str, int]]:
    """What could be set so that a rank holds less, and the ranks that there would be."""
    again = ("`recompute: true` in the profile's settings of train", one.ranks)
    found = [] if one.again == one.shape.layers else [again]
    more = [number for number in _MORE_RANKS if one.gpu and one.ranks < number <= one.params.batch_size]
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
    usual = MICRO_BATCH_TOKENS["cuda" if ask.resources.gpus else "cpu"]
    return count_of(ask.settings, "micro_batch_tokens") or usual


def _layout(one: _Tuning) -> str:
    """In words, what was chosen."""
    parts = [f"{one.ask.resources.ranks} x {one.processes} processes"]
    if tokens := count_of(one.ask.settings, "micro_batch_tokens"):
        parts.append(f"{tokens} tokens at once")
    parts.append(f"{one.again} of {one.shape.layers} layers computed again")
    return ", ".join(parts) + (", weights and optimiser beside the GPU" if one.ask.settings.get("offload") else "")


def _learnt(mixed: Sequence[Texts]) -> float:
    """The share of tokens that are supervised; 0.7 where nobody knows."""
    tokens = sum(texts.tokens or 0 for texts in mixed)
    return sum(texts.loss_tokens or 0 for texts in mixed) / tokens if tokens else 0.7


def _answer_tokens(mixed: Sequence[Texts]) -> float | None:
    """The mean length of what is learnt: how long the tuned model's answers will be."""
    answers = sum(texts.answers or texts.rows for texts in mixed)
    return sum(texts.loss_tokens or 0 for texts in mixed) / answers if answers else None
