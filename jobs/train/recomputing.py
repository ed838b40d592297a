"""Activations that are let go of after the forward pass and computed again in the backward pass, layer by layer.

What comes out is equal to the bit: the same products, and dropout draws what it drew before.
"""

from logging import Logger

from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from polyglot.core.errors import Permanent


def recompute(model: PreTrainedModel, which: bool | int, log: Logger) -> None:
    """Recompute all layers, or as many of the first ones. Raises Permanent for a model that cannot."""
    try:
        model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    except ValueError as error:
        raise Permanent(f"recompute: {str(error).splitlines()[0][:200]} Leave it out of the settings") from error
    if which is True:
        return
    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    if not layers:
        log.warning("recompute: %s is recomputed whole or not at all, so it is whole", type(model).__name__)
    for layer in layers[which:]:
        layer.gradient_checkpointing = False
    if layers:
        log.info("recompute: the first %d of %d layers", min(which, len(layers)), len(layers))
