"""torchao's AdamW in 8 bits, over what a rank holds of each parameter.

torchao compiles a step for each shape, and of a sharded parameter for the shape of its slice: where slices are not of
one size, ranks load what another one has compiled, and fail (torchao 0.18, torch 2.15). Its moments, codes and
arithmetic are taken as they are; but a step is the same for every block of 256 numbers, so it is compiled once, for any
number of them.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch._inductor.config
from torch import nn
from torch.optim.optimizer import ParamsT
from torchao import optim
from torchao.optim.adam import single_param_adam
from torchao.optim.quant_utils import dequant_with_qmap, quantize_8bit_with_qmap, scale_tensor

from jobs.train.optimizers import BLOCK, MOMENTS, fresh_moments, is_coded
from jobs.train.sharding import mine


class AdamW8bit(optim.AdamW8bit):  # type: ignore[misc]
    """A step of it needs a compiler (jobs.train.compiling)."""

    def __init__(self, groups: ParamsT, **options: object) -> None:
        super().__init__(groups, **options)
        torch._inductor.config.compile_threads = 1  # no processes that could outlive this one

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """Change every parameter that has a gradient."""
        if closure is not None:
            raise ValueError("closures are not called")
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._change(parameter, group)

    def _change(self, parameter: nn.Parameter, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state.update(fresh_moments(self, parameter))
        state["step"] += 1
        held, grad = mine(parameter.detach()), mine(parameter.grad)  # type: ignore[arg-type]
        moments: list[Any] = [mine(state[name]) for name in MOMENTS]
        numbers = group["lr"], *group["betas"], group["weight_decay"], group["eps"]
        if is_coded(moments[0]):
            first, second = ((_blocks(moment.codes), moment.scale, moment.qmap) for moment in moments)
            _compiled(_blocks(held), grad.reshape(-1, BLOCK).data, state["step"], first, second, *numbers)
        else:
            single_param_adam(held, grad, state["step"], *moments, None, *numbers, True, False)  # noqa: FBT003


def _blocks(tensor: torch.Tensor) -> torch.Tensor:
    """The same memory as (N, 256), and no view: what is compiled would be for that shape alone of which it is one."""
    return tensor.view(-1, BLOCK).data


_Coded = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # codes (N, 256), scales (N,), what codes mean (256,)


def _coded_step(
    weights: torch.Tensor,
    grad: torch.Tensor,
    step: torch.Tensor,
    first: _Coded,
    second: _Coded,
    rate: torch.Tensor,
    beta1: float,
    beta2: float,
    decay: float,
    eps: float,
) -> None:
    """Torchao's `single_param_adam` over blocks (N, 256)."""
    mean, square = (dequant_with_qmap(codes, meaning, scale) for codes, scale, meaning in (first, second))
    mean, square = mean.lerp(grad, 1 - beta1), square.lerp(grad.square(), 1 - beta2)
    for (codes, scale, meaning), numbers in ((first, mean), (second, square)):
        scaled, largest = scale_tensor(numbers, BLOCK)
        codes.copy_(quantize_8bit_with_qmap(scaled, meaning))
        scale.copy_(largest)
    bias1, bias2 = 1 - beta1**step, 1 - beta2**step
    decayed = weights - rate * decay * weights
    weights.copy_(decayed - rate * (mean / bias1) / (square.sqrt() / bias2.sqrt() + eps))


_compiled = torch.compile(_coded_step, fullgraph=True, dynamic=True)
