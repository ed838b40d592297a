"""Full fine-tuning, one optimiser step at a time.

The loss of a step is the mean over all supervised tokens of its samples, or where the recipe says so the mean of the
means of groups of samples; either is the same whatever the passes and ranks among which the samples are spread: every
part is divided by what the whole step has, never by its own. AdamW's weight decay acts on matrices (embeddings too),
not on biases and norm gains. The randomness of step k (dropout) is seeded from (seed, k, rank), so a resumed run draws
what an uninterrupted one would have drawn.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn
from transformers import PreTrainedModel

from jobs.lib.model.layers import check_router
from jobs.lib.model.schedule import factor
from jobs.train import isolation
from jobs.train.ahead import AHEAD, Ahead
from jobs.train.batches import EpochSampler, micro_batches
from jobs.train.head import TargetLoss
from jobs.train.mixture import Mixture
from jobs.train.optimizers import optimizer_of, set_learning_rate
from jobs.train.passes import Event, Passes
from jobs.train.pulse import Pulse
from jobs.train.sharding import computes_on, exchange, release, whole
from polyglot.core.errors import Permanent
from polyglot.core.units import show_first
from polyglot.kinds.train import TrainParams

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a step is computed; changes its speed and memory, and the result by rounding only."""

    micro_batch_tokens: int
    pad_id: int
    logits_at_once: int | None = None  # targets; None: by the vocabulary
    prefetch: int = AHEAD  # micro-batches that are laid out before they compute


class Trainer:
    """A model in training. `step(k)` must be called for k = 0, 1, 2 …, or from where a checkpoint was put back."""

    def __init__(
        self,
        model: PreTrainedModel,
        mixture: Mixture,
        params: TrainParams,
        *,
        seed: int,
        layout: Layout,
        accelerator: "Accelerator",
        pulse: Pulse | None = None,
    ) -> None:
        self.pulse = pulse or Pulse()
        self.params, self.mixture, self.seed, self.layout = params, mixture, seed, layout
        self.accelerator = accelerator
        self.rank, self.ranks = accelerator.process_index, accelerator.num_processes
        self.order = EpochSampler(
            samples=len(mixture), seed=seed, batch_size=params.batch_size, steps=params.steps, epochs=params.epochs
        )
        if params.warmup_steps > self.order.steps:
            raise Permanent(
                f"warmup_steps: got {params.warmup_steps}, but the run has {self.order.steps} steps; the learning rate "
                f"would never reach its height. Set warmup-steps to {self.order.steps} or less"
            )
        if params.router_loss:
            check_router(model)
        self.model = model.train()
        self.device = computes_on(model)
        self.gradient_norm = math.nan  # of the last step, before it was clipped
        self.data_seconds = 0.0  # that the last step waited for its micro-batches, whatever the GPU did meanwhile
        # whoever waits for one sleeps: a busy wait would take a CPU from what lays out batches
        self.event: Callable[[], Event] | None = (
            partial(torch.cuda.Event, blocking=True) if self.device.type == "cuda" else None
        )
        self.half = params.precision == "bfloat16" and self.device.type == "cuda"
        with torch.autocast("cuda", torch.bfloat16) if self.half else nullcontext():
            self.loss = TargetLoss(model, at_once=layout.logits_at_once, ranks=self.ranks)
        isolation.check_causal(self.loss, model, half=self.half)
        self.packed_tokens = _packed_tokens(params, mixture)
        if self.packed_tokens is not None:
            isolation.check(self.loss, model, half=self.half)
        release(model)  # parameters are those that the optimiser changes again
        self.optimizer = optimizer_of(model, params)
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]

    @property
    def precision(self) -> str:
        """The type that a forward pass computes in, whatever was asked for: a CPU computes in float32."""
        return "bfloat16" if self.half else "float32"

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.order.steps

    def learning_rate(self, number: int) -> float:
        """The learning rate of step `number`."""
        params = self.params
        shape = factor(
            params.schedule,
            number,
            steps=self.steps,
            warmup_steps=params.warmup_steps,
            floor=params.final_learning_rate / params.learning_rate,
        )
        return params.learning_rate * shape

    def step(self, number: int) -> float:
        """Do one optimiser step and return its loss, the recipe's mean in nats per supervised token over all ranks.

        Raises Permanent when the loss or a gradient is not finite, or no token of the step is supervised; the weights
        are then those of before the step.
        """
        samples = self.order.step(number)
        targets = int(self.mixture.supervised[samples].sum())
        if targets == 0:
            raise Permanent(f"step {number + 1}: none of its samples has a supervised token: {self._named(samples)}")
        self.pulse.at("making a batch", step=number + 1)
        rate = self.learning_rate(number)
        set_learning_rate(self.optimizer, rate)
        torch.manual_seed(((self.seed * 1_000_003 + number) * 4099 + self.rank) % 2**63)
        total = self._accumulate(samples, *self._normalization(samples, targets))
        self.pulse.at("the optimiser's update")
        if self.ranks > 1:
            total = self.accelerator.reduce(total, "sum")
        loss = float(total)
        if not math.isfinite(loss):
            raise Permanent(
                f"step {number + 1}: the loss is {loss} at learning rate {rate:g}; the run has diverged, "
                f"or one of these samples is bad: {self._named(samples)}"
            )
        clip = self.params.gradient_clip
        norm = self.gradient_norm = float(
            whole(nn.utils.clip_grad_norm_(self._parameters, clip if clip > 0 else math.inf))
        )
        if not math.isfinite(norm):
            raise Permanent(
                f"step {number + 1}: the gradient's norm is {norm} at learning rate {rate:g}; the run has diverged, "
                f"or one of these samples is bad: {self._named(samples)}"
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss

    def names(self, number: int) -> str:
        """The samples of step `number`, for a message."""
        return self._named(self.order.step(number))

    def _named(self, samples: Sequence[int]) -> str:
        return show_first(self.mixture.names(samples), 16)

    def _normalization(self, samples: Sequence[int], targets: int) -> tuple[int, list[float] | None]:
        """What the sum of the losses is divided by, and the weights of the samples' tokens in it; None: 1.

        Groups are cut from the samples in the order in which they were drawn; one with no supervised token has no mean.
        """
        if self.params.loss_normalization == "tokens":
            return targets, None
        size = self.params.loss_micro_batch or 1
        supervised = [int(self.mixture.supervised[number]) for number in samples]
        sums = [sum(supervised[first : first + size]) for first in range(0, len(samples), size)]
        return sum(map(bool, sums)), [1 / max(1, sums[place // size]) for place in range(len(samples))]

    def _accumulate(self, samples: list[int], divisor: int, weights: Sequence[float] | None = None) -> torch.Tensor:
        """Gradients of the step's mean loss; returns this rank's share of that mean."""
        batches = micro_batches(
            self.mixture,
            samples,
            max_tokens=self.layout.micro_batch_tokens,
            pad_id=self.layout.pad_id,
            packed_tokens=self.packed_tokens,
            weights=weights,
            rank=self.rank,
            ranks=self.ranks,
        )
        on_gpu = self.device.type != "cpu"
        if on_gpu:
            batches = (batch.pinned() for batch in batches)
        total = torch.zeros((), device=self.device)
        tokens = float((self.mixture.lengths[samples] - 1).sum())
        with Ahead(batches, self.layout.prefetch) as ahead, Passes(self.pulse, self.event) as passes:
            for batch in ahead:
                passes.begin()
                if on_gpu:
                    batch = batch.to(self.device)
                with torch.autocast("cuda", torch.bfloat16) if self.half else nullcontext():
                    balanced, gradient = bool(self.params.router_loss), self.ranks / divisor
                    loss = self.loss(self.model, batch, balanced=balanced, gradient=gradient) / divisor
                if self.params.router_loss and batch.real is not None and self.loss.balance is not None:
                    loss = loss + self.params.router_loss * self.loss.balance * float(batch.real.sum()) / tokens
                (loss * self.ranks if self.ranks > 1 else loss).backward()  # peers' gradients are averaged, not summed
                total += loss.detach()
                passes.end()
                self.pulse.at("making a batch")
        self.data_seconds = ahead.waited_seconds
        if self.ranks > 1:
            exchange(self._parameters)
        return total


def _packed_tokens(params: TrainParams, mixture: Mixture) -> int | None:
    """The length of packed sequences; None when each sample has its own. Raises Permanent for what cannot be packed."""
    if params.packing == "none":
        return None
    if params.packed_tokens is None:
        raise Permanent(f"packing {params.packing}: got no packed_tokens; expected the length of a packed sequence")
    over = mixture.lengths > params.packed_tokens
    if over.any():
        raise Permanent(
            f"mix: {int(over.sum())} samples are longer than the {params.packed_tokens} tokens of a packed sequence, "
            f"the longest has {int(mixture.lengths.max())} tokens; set max_tokens to {params.packed_tokens} or less"
        )
    return params.packed_tokens
