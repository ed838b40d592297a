"""The resume state of a training run as files: weights, optimiser moments, position. Nothing in it can run code.

    weights.safetensors     trained parameters and persistent buffers, in the type they are trained in
    optimizer.safetensors   `<parameter>/exp_avg`, `<parameter>/exp_avg_sq`, `<parameter>/step`
    state.json              format, steps done, loss and gradient's norm of each, validations so far

No random state is kept: the randomness of a step is a function of the seed and the step's number. A run that resumes
from here ends with the same bits as one that was never interrupted (same machine class, threads and micro-batches).
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from polyglot.kinds.train import ValidationStep

FORMAT = 1
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(slots=True)
class History:
    """What a run has seen so far: loss and gradient's norm of each step, and what was found on rows held back.

    A norm is None where the step's checkpoint was written before norms were kept. Other ranks than the first have none.
    """

    losses: list[float] = field(default_factory=list)
    norms: list[float | None] = field(default_factory=list)
    validation: list[ValidationStep] = field(default_factory=list)


class Unusable(Exception):
    """A checkpoint of another format, or of another model; nothing was changed by looking at it."""


def write(directory: Path, model: nn.Module, optimizer: torch.optim.Optimizer, history: History) -> None:
    """Write the state after the steps of a history into an empty directory."""
    directory.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: tensor.detach().contiguous() for name, tensor in tensors(model)}, directory / "weights.safetensors"
    )
    moments = {
        f"{name}/{moment}": optimizer.state[parameter][moment].contiguous()
        for name, parameter in model.named_parameters()
        if parameter in optimizer.state
        for moment in MOMENTS
    }
    save_file(moments, directory / "optimizer.safetensors")
    state = {
        "format": FORMAT,
        "steps": len(history.losses),
        "loss": history.losses,
        "gradient_norm": history.norms,
        "validation": msgspec.to_builtins(history.validation),
    }
    (directory / "state.json").write_text(json.dumps(state), encoding="utf-8")


def read(directory: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> History:
    """Put a state back into a model and its fresh optimiser; return what it had seen. Raises Unusable."""
    state = json.loads((directory / "state.json").read_text(encoding="utf-8"))
    if state.get("format") != FORMAT:
        raise Unusable(f"format {state.get('format')}, expected {FORMAT}")
    device = next(model.parameters()).device
    weights = load_file(directory / "weights.safetensors", device=str(device))
    names = dict(tensors(model))
    if weights.keys() != names.keys() or any(weights[name].shape != names[name].shape for name in names):
        raise Unusable("it holds the weights of another model")
    with torch.no_grad():
        for name, tensor in names.items():
            tensor.copy_(weights.pop(name))
    moments = load_file(directory / "optimizer.safetensors", device=str(device))
    for name, parameter in model.named_parameters():
        if f"{name}/step" in moments:
            optimizer.state[parameter] = {moment: moments.pop(f"{name}/{moment}") for moment in MOMENTS}
    losses = list(state["loss"])
    validation = msgspec.convert(state.get("validation", []), list[ValidationStep])
    return History(losses, list(state.get("gradient_norm", [None] * len(losses))), validation)


def tensors(model: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Every trained parameter once (tied ones under their first name), every buffer that belongs to the state."""
    parameters = list(model.named_parameters())
    state = model.state_dict(keep_vars=True)
    mine = {id(parameter) for _, parameter in parameters}
    buffers = [(name, tensor) for name, tensor in state.items() if id(tensor) not in mine]
    return [*((name, parameter) for name, parameter in parameters if parameter.requires_grad), *buffers]
