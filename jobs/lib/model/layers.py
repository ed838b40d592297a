"""The layers of a model: its decoder layers, and the linear ones that an adapter may be put beside."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from jobs.lib.model.loading import configuration
from polyglot.core.errors import Permanent
from polyglot.core.units import show_first

LINEAR = (nn.Linear, Conv1D)


def empty_model(directory: Path) -> PreTrainedModel:
    """The model of a configuration without a weight, for what its layers are called."""
    with torch.device("meta"):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(configuration(directory))  # type: ignore[no-untyped-call]
    return model


def decoder_layers(model: PreTrainedModel) -> list[nn.Module]:
    """The layers that the model says are not to be split, in their order; none where it names none."""
    kinds = {name.removeprefix("FSDP") for name in model._no_split_modules or ()}
    return [module for module in model.modules() if type(module).__name__.removeprefix("FSDP") in kinds]


def check_router(model: PreTrainedModel) -> None:
    """Refuse a model without experts whose balance could be learnt. Raises Permanent."""
    if not hasattr(model.config.get_text_config(), "router_aux_loss_coef"):
        raise Permanent(f"router-loss: {type(model).__name__} has no experts and no router. Leave it out")


def linear_layers(model: PreTrainedModel) -> list[str]:
    """Names of all linear layers but the output layer, which may share its weights with the embedding."""
    head = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    return [name for name, module in model.named_modules() if isinstance(module, LINEAR) and module is not head]


def named_layers(model: PreTrainedModel, names: Sequence[str]) -> dict[str, list[str]]:
    """The linear layers whose names end so, by each of the names. Raises Permanent where none of them has any."""
    linear = linear_layers(model)
    found = {name: [layer for layer in linear if f".{layer}".endswith(f".{name}")] for name in names}
    if not any(found.values()):
        raise Permanent(
            f"lora-modules: no linear layer of {type(model).__name__} is called {' or '.join(names)}. "
            f"It has {show_first(last_parts(linear), 16) or 'none'}"
        )
    return found


def last_parts(layers: Iterable[str]) -> list[str]:
    """What is behind the last dot of each name, once."""
    return list(dict.fromkeys(layer.rpartition(".")[2] for layer in layers))
