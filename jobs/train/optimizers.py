"""The optimisers of a recipe, and how their moments are made, read as float32 and put back.

AdamW's moments are float32. Those of `adamw-8bit` (torchao's; Dettmers et al. 2022, arXiv 2110.02861) are 8-bit codes
with a scale for each 256 of them, of what a rank holds of a parameter; where that has less than 4,096 numbers, or no
whole number of blocks, they are float32 too.
"""

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from jobs.train.sharding import mine
from polyglot.kinds.train import TrainParams

MOMENTS = ("exp_avg", "exp_avg_sq")
_SIGNED = "exp_avg"
BLOCK = 256  # numbers with one scale


def optimizer_of(model: nn.Module, params: TrainParams) -> Optimizer:
    """AdamW with the study's hyperparameters; weight decay on tensors of two and more dimensions only."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in trained if parameter.ndim >= 2]
    vectors = [parameter for parameter in trained if parameter.ndim < 2]
    every = [{"params": matrices, "weight_decay": params.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    groups = [group for group in every if group["params"]]
    if params.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=params.learning_rate, betas=params.betas, fused=True)
    from jobs.train.adamw_8bit import AdamW8bit  # torchao takes its time

    return AdamW8bit(groups, lr=params.learning_rate, betas=params.betas, block_size=BLOCK)


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Of the next step; a tensor stays the one that was compiled for."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def fresh_moments(optimizer: Optimizer, parameter: nn.Parameter) -> dict[str, torch.Tensor]:
    """The state of a parameter before its first step, as the optimiser itself would begin with."""
    if isinstance(optimizer, torch.optim.AdamW):
        moments = {name: torch.zeros_like(parameter, requires_grad=False) for name in MOMENTS}
        return {**moments, "step": torch.zeros((), dtype=torch.float32, device=parameter.device)}
    made: Any = optimizer  # torchao's
    return {**{name: made._new_buffer(parameter, name == _SIGNED) for name in MOMENTS}, "step": torch.tensor(0.0)}


def in_float32(held: torch.Tensor) -> torch.Tensor:
    """What a rank holds of a moment as numbers. Of codes they lie in the processor's memory."""
    return held if not is_coded(held) else held.dequantize().cpu()


def is_coded(held: torch.Tensor) -> bool:
    """Whether a rank's part of a moment is 8-bit codes."""
    return hasattr(held, "codes")


def scales_of(optimizer: Optimizer, parameter: nn.Parameter) -> dict[str, torch.Tensor]:
    """The scales of what this rank holds of a parameter's moments, by moment; none of those in float32.

    With them numbers become the codes again that they were read from. Without, they need not: a block whose largest
    number is negative has no code for it, so its scale cannot be told from its numbers.
    """
    held = {name: mine(optimizer.state[parameter][name]) for name in MOMENTS}
    return {name: moment.scale for name, moment in held.items() if is_coded(moment)}  # type: ignore[attr-defined]


@torch.no_grad()
def put_back(moment: torch.Tensor, numbers: torch.Tensor, scale: torch.Tensor | None) -> None:
    """Make what a rank holds of a moment codes of these numbers, of these scales; of new ones where there are none."""
    held: Any = mine(moment)
    if scale is None or scale.shape != held.scale.shape:
        held.copy_(numbers)
        return
    from torchao.optim.quant_utils import quantize_8bit_with_qmap

    scale = scale.to(held.scale.device)
    blocks = numbers.to(scale.device).reshape(len(scale), -1) / scale[:, None]
    held.codes.copy_(quantize_8bit_with_qmap(blocks, held.qmap).reshape(held.codes.shape))
    held.scale.copy_(scale)
