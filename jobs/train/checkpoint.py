"""The resume state of a training run as files: weights, optimiser moments, position. Nothing in it can run code.

    rank-00000-of-00002-weights.safetensors   what one rank holds of trained parameters and persistent buffers
    rank-…-exp_avg.safetensors, …-exp_avg_sq  and of AdamW's moments, `<parameter>/exp_avg` and the like
    rank-…-scales.safetensors                 of moments that are held in 8 bits: what their codes are multiplied with
    state.json                                format, steps done, loss and norm of each, validations so far

The header of each file says where in the whole tensors its pieces lie. Moments that are held in 8 bits are written in
float32; with their scales, which are for as many ranks alone, they become the same codes again.

A rank writes and reads what it holds, so that none needs memory for all. As many ranks go on from their own files, more
or fewer from the pieces of those that held some of what they hold. No random state is kept: the randomness of a step is
a function of the seed and the step's number. A run that resumes on as many ranks ends with the same bits as one that
was never interrupted (same machine class, threads and micro-batches).
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from jobs.train.optimizers import fresh_moments, in_float32, is_coded, put_back, scales_of
from jobs.train.sharding import holders, is_slice, mine, place
from polyglot.kinds.train import ValidationStep

_Slices = tuple[slice, ...]

FORMAT = 2
# files and their moments; the counts of steps are not by themselves, as equal bytes are one blob in the store
_PARTS: Mapping[str, Sequence[str]] = {"weights": (), "exp_avg": ("exp_avg", "step"), "exp_avg_sq": ("exp_avg_sq",)}
MOMENTS = tuple(moment for moments in _PARTS.values() for moment in moments)
_SCALES = "scales"
_FILE = re.compile(r"rank-(\d+)-of-(\d+)-\w+\.safetensors")


@dataclass(slots=True)
class History:
    """What a run has seen so far: loss and gradient's norm of each step, and what was found on rows held back."""

    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    validation: list[ValidationStep] = field(default_factory=list)


class Unusable(Exception):
    """A checkpoint of another format, or of another model; nothing was changed by looking at it."""


def write(
    directory: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    history: History,
    *,
    rank: int = 0,
    ranks: int = 1,
) -> None:
    """Write what this rank holds of the state after the steps of a history into an empty directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for part in _PARTS:  # apart, as what lies on a GPU is held in memory as well while it is written
        held = {name: tensor.detach() for name, tensor in _part(part, model, optimizer)}
        where = {name: [place(tensor)[0], list(tensor.shape)] for name, tensor in held.items()}
        pieces = {name: in_float32(mine(tensor)).contiguous() for name, tensor in held.items()}
        save_file(pieces, directory / _name(rank, ranks, part), metadata={"where": json.dumps(where)})
    scales = {
        f"{name}/{moment}": scale
        for name, parameter in model.named_parameters()
        if parameter in optimizer.state
        for moment, scale in scales_of(optimizer, parameter).items()
    }
    if scales:
        save_file(scales, directory / _name(rank, ranks, _SCALES))
    if rank:
        return
    state = {
        "format": FORMAT,
        "steps": len(history.losses),
        "loss": history.losses,
        "gradient_norm": history.norms,
        "validation": msgspec.to_builtins(history.validation),
    }
    (directory / "state.json").write_text(json.dumps(state), encoding="utf-8")


def needed(model: nn.Module, rank: int, ranks: int) -> Callable[[str], bool]:
    """Which files of a checkpoint a rank goes on from: its own, or of other numbers of ranks those that it overlaps."""

    @cache
    def holding(before: int) -> set[int]:
        if before == ranks:
            return {rank}
        sliced = [tensor for _, tensor in tensors(model) if is_slice(tensor)]
        if ranks == 1 or not sliced:  # what all ranks have whole, each of them has
            return set(range(before))
        return set().union(*(holders(tensor, before) for tensor in sliced)) or {0}

    def is_needed(name: str) -> bool:
        found = _FILE.fullmatch(name)
        return found is None or int(found[1]) in holding(int(found[2]))

    return is_needed


def check(directory: Path, model: nn.Module) -> None:
    """Whether this rank finds here all that it would hold of its model. Raises Unusable."""
    try:
        state = json.loads((directory / "state.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unusable("it has no state.json") from None
    if state.get("format") != FORMAT:
        raise Unusable(f"format {state.get('format')}, expected {FORMAT}")
    with ExitStack() as stack:
        pieces, named = _Pieces(directory, stack), dict(tensors(model))
        for name in {name for name in pieces.shapes if name.rpartition("/")[2] not in MOMENTS} | named.keys():
            tensor = named.get(name)
            if tensor is None or pieces.shapes.get(name) != list(tensor.shape):
                raise Unusable(f"it holds the weights of another model: {name}")
        for name, tensor in named.items():
            for moment in ("", *(f"/{each}" for each in MOMENTS if each != "step" and f"{name}/step" in pieces.shapes)):
                pieces.check(f"{name}{moment}", tensor)


def read(
    directory: Path, model: nn.Module, optimizer: torch.optim.Optimizer, *, rank: int = 0, ranks: int = 1
) -> History:
    """Put a state that was checked back into a model and its fresh optimiser; return what it had seen."""
    own = directory / _name(rank, ranks, _SCALES)
    scales = load_file(own) if own.is_file() else {}
    with ExitStack() as stack:
        pieces = _Pieces(directory, stack)
        for name, tensor in tensors(model):
            pieces.into(name, tensor)
        for name, parameter in model.named_parameters():
            if f"{name}/step" in pieces.shapes:
                optimizer.state[parameter] = moments = fresh_moments(optimizer, parameter)
                for moment, tensor in moments.items():
                    if is_coded(mine(tensor)):
                        numbers = torch.zeros_like(parameter, requires_grad=False)
                        pieces.into(f"{name}/{moment}", numbers)
                        put_back(tensor, mine(numbers), scales.get(f"{name}/{moment}"))
                    else:
                        pieces.into(f"{name}/{moment}", tensor)
    state = json.loads((directory / "state.json").read_text(encoding="utf-8"))
    validation = msgspec.convert(state["validation"], list[ValidationStep])
    return History(list(state["loss"]), list(state["gradient_norm"]), validation)


def tensors(model: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Every trained parameter once (tied ones under their first name), every buffer that belongs to the state."""
    parameters = list(model.named_parameters())
    state = model.state_dict(keep_vars=True)
    known = {id(parameter) for _, parameter in parameters}
    buffers = [(name, tensor) for name, tensor in state.items() if id(tensor) not in known]
    return [*((name, parameter) for name, parameter in parameters if parameter.requires_grad), *buffers]


def _part(part: str, model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, torch.Tensor]]:
    if part == "weights":
        yield from tensors(model)
    for name, parameter in model.named_parameters():
        if parameter in optimizer.state:
            yield from ((f"{name}/{moment}", optimizer.state[parameter][moment]) for moment in _PARTS[part])


def _name(rank: int, ranks: int, part: str) -> str:
    return f"rank-{rank:05d}-of-{ranks:05d}-{part}.safetensors"


class _Pieces:
    """The tensors of a checkpoint, from whichever of its files hold a part of what is asked for."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.shapes: dict[str, list[int]] = {}  # of whole tensors
        self._found: dict[str, list[tuple[Any, Sequence[int]]]] = {}
        for path in sorted(directory.glob("*.safetensors")):
            file = stack.enter_context(safe_open(path, framework="pt"))
            where: Mapping[str, tuple[Sequence[int], list[int]]] = json.loads(
                (file.metadata() or {}).get("where", "{}")
            )
            for name, (offset, shape) in where.items():
                self._found.setdefault(name, []).append((file, offset))
                self.shapes[name] = shape

    def check(self, name: str, target: torch.Tensor) -> None:
        """Raise Unusable where the files do not have all of what this rank holds of a tensor."""
        found = sum(math.prod(part.stop - part.start for part in here) for _, _, here in self._parts(name, target))
        if found < mine(target).numel():
            raise Unusable(f"{name}: {found} of {mine(target).numel()} values are in its files")

    @torch.no_grad()
    def into(self, name: str, target: torch.Tensor) -> None:
        """Fill what this rank holds of a tensor."""
        held = mine(target)
        for file, there, here in self._parts(name, target):
            held[here].copy_(file.get_slice(name)[there] if there else file.get_tensor(name))

    def _parts(self, name: str, target: torch.Tensor) -> Iterator[tuple[Any, _Slices, _Slices]]:
        """Files that have a part of a target, where it lies there and here; what several have whole is taken once."""
        offset, size = place(target)
        missing = mine(target).numel()
        for file, begin in self._found.get(name, ()):
            if not missing:
                return
            spans = [
                (max(ours, theirs), min(ours + wide, theirs + there))
                for ours, wide, theirs, there in zip(offset, size, begin, file.get_slice(name).get_shape(), strict=True)
            ]
            if all(first < last for first, last in spans):
                missing -= math.prod(last - first for first, last in spans)
                there = tuple(slice(first - at, last - at) for (first, last), at in zip(spans, begin, strict=True))
                here = tuple(slice(first - at, last - at) for (first, last), at in zip(spans, offset, strict=True))
                yield file, there, here
