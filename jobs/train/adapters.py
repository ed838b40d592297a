"""LoRA (arXiv 2106.09685) by peft: low-rank matrices beside linear layers, of which nothing else of a model is trained.

The model is changed in place and stays what transformers made of it, with parameters that are frozen: so the loss's
hook, packing, ranks and checkpoints see a model like any other. The base's weights are float32 here as in full
fine-tuning, and so are the adapter's. The experts of a mixture (Mixtral, Qwen3-MoE) are stacked parameters and no
linear layers: with them, attention alone is adapted where a study names no layers.
"""

import json
import math
import warnings
from collections.abc import Iterator, Sequence
from logging import Logger
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors.torch import save_file
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from jobs.lib.context import Input
from jobs.lib.model.layers import linear_layers, named_layers
from jobs.train.sharding import computes_on, mine, place, release
from polyglot.core.errors import Permanent
from polyglot.core.units import show_first
from polyglot.kinds.base import BaseRecord
from polyglot.kinds.train import TrainParams

_NAME = "default"  # peft's, of the one adapter


def attach(model: PreTrainedModel, params: TrainParams, *, seed: int, log: Logger) -> PeftModel:
    """Freeze a model and put an adapter into it; the result shares the model's modules.

    The adapter's first values are a function of the seed, whatever the device. Raises Permanent where nothing is named
    that could be adapted.
    """
    if params.lora_rank is None or params.lora_alpha is None:
        raise Permanent(f"LoRA: got rank {params.lora_rank} and alpha {params.lora_alpha}; expected both")
    chosen = _chosen(model, params.lora_modules, log)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=params.lora_rank,
        lora_alpha=params.lora_alpha,
        lora_dropout=params.lora_dropout or 0.0,
        target_modules=_short(model, chosen),
        fan_in_fan_out=any(isinstance(model.get_submodule(name), Conv1D) for name in chosen),
        bias="none",
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wrapped: PeftModel = get_peft_model(model, config)
    except ValueError as error:
        raise Permanent(f"LoRA: {str(error).splitlines()[0][:200]}. Name other lora-modules") from error
    adapted = [name for name, module in model.named_modules() if isinstance(module, LoraLayer)]
    if set(adapted) != set(chosen):
        other = sorted(set(adapted) ^ set(chosen))
        raise Permanent(f"LoRA: peft took other layers than were meant: {show_first(other, 3)}. Name lora-modules")
    _begin(model, seed)
    return wrapped


def write(wrapped: PeftModel, directory: Path, base: Input, *, first: bool = True) -> None:
    """Write adapter_config.json and adapter_model.safetensors; no path of this machine is in them.

    A collective, as peft puts tensors together on its way; the first rank writes.
    """
    tensors = get_peft_model_state_dict(wrapped, adapter_name=_NAME, save_embedding_layers=False)
    if not first:
        return
    directory.mkdir(parents=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(tensors, directory / "adapter_model.safetensors", metadata={"format": "pt"})
    hub, revision = _published(base)
    config = {
        **wrapped.peft_config[_NAME].to_dict(),
        "base_model_name_or_path": hub,
        "revision": revision,
        "inference_mode": True,
    }
    text = json.dumps(config, indent=2, sort_keys=True, default=_listed)
    (directory / "adapter_config.json").write_text(text + "\n", encoding="utf-8")


def merge(wrapped: PeftModel) -> PreTrainedModel:
    """The model that was wrapped, with the adapter's products added to its weights and nothing of peft in it.

    Every rank adds to its slices.
    """
    release(wrapped)
    for module in wrapped.modules():
        if isinstance(module, LoraLayer):
            weight: Any = module.base_layer.weight
            delta: torch.Tensor = module.get_delta_weight(_NAME)  # type: ignore[operator]
            begin, size = place(weight)
            here = tuple(slice(first, first + count) for first, count in zip(begin, size, strict=True))
            with torch.no_grad():
                held = mine(weight)
                held.add_(delta[here].to(held.device))
    merged: PreTrainedModel = wrapped.unload()
    return merged


def _chosen(model: PreTrainedModel, named: Sequence[str] | None, log: Logger) -> list[str]:
    """The whole names of the layers that are adapted."""
    linear = linear_layers(model)
    if named is None:
        apart = tuple(f"{name}." for name in _mixtures(model))
        chosen = [name for name in linear if not name.startswith(apart)]
        if not chosen:
            raise Permanent(f"LoRA: {type(model).__name__} has no linear layers beside its output layer")
        return chosen
    found = named_layers(model, named)
    if idle := [name for name, layers in found.items() if not layers]:
        log.info("lora-modules: the model has no linear layer called %s", " or ".join(idle))
    wanted = {layer for layers in found.values() for layer in layers}
    return [layer for layer in linear if layer in wanted]


def _mixtures(model: nn.Module) -> Iterator[str]:
    """Names of the modules that hold stacked experts: three-dimensional parameters, in a module of their own."""
    for name, module in model.named_modules():
        if any(parameter.ndim == 3 for parameter in module.parameters(recurse=False)):
            yield name.rpartition(".")[0]


def _short(model: nn.Module, chosen: Sequence[str]) -> list[str]:
    """The chosen layers by the last part of their names, where every module that ends so is among them."""
    ends: dict[str, list[str]] = {}
    for name, _ in model.named_modules():
        ends.setdefault(name.rpartition(".")[2], []).append(name)
    wanted = set(chosen)
    whole = {end for end, names in ends.items() if wanted.issuperset(names)}
    return sorted({end if (end := name.rpartition(".")[2]) in whole else name for name in chosen})


def _begin(model: PreTrainedModel, seed: int) -> None:
    """Draw A as peft does (Kaiming's uniform), on the CPU and by the seed alone; B stays 0."""
    device = computes_on(model)  # what is whole on every rank lies there, wherever the layer beside it does
    generator = torch.Generator().manual_seed((seed * 1_000_003 - 1) * 4099 % 2**63)  # no step's own seed
    for module in model.modules():
        if isinstance(module, LoraLayer):
            for matrix in (module.lora_A, module.lora_B):
                matrix.to(device)
            weight: Any = module.lora_A[_NAME].weight
            first = torch.empty(weight.shape, dtype=torch.float32)
            nn.init.kaiming_uniform_(first, a=math.sqrt(5), generator=generator)
            with torch.no_grad():
                weight.copy_(first)


def _published(base: Input) -> tuple[str | None, str | None]:
    """The hub's repository and commit that a base model was fetched from."""
    if "training.json" not in base.names():
        return None, None
    record = base.read("training.json", BaseRecord)
    return record.hub or None, record.revision or None


def _listed(value: object) -> object:
    """Sets in an order of their own, enumerations by their value."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    return getattr(value, "value", str(value))
