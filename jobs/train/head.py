"""The loss of one micro-batch, with logits computed only where a target is, and never all of them at once.

In instruction tuning about half of all positions are prompt or padding; their logits are the largest tensor of the
step and nobody reads them. A hook on the output layer picks the supervised positions out of the hidden states before
the layer multiplies. What is picked and still too many goes through the layer in parts, each with its loss and its
gradients, whose logits are then let go of (in_parts.py); inside of the layer's own call, as a sharded one needs.

Whether an architecture's head can be used so is tried once against its full logits; where it cannot (it mixes
positions, is more than a linear layer or changes logits after it), more is computed at once: same loss, more memory.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

from jobs.lib.model.loading import OF_DEVICE
from jobs.lib.ranks import is_of_exchange
from jobs.train.agreement import all_say
from jobs.train.batches import MicroBatch, Sequences
from jobs.train.in_parts import loss_in_parts
from jobs.train.sharding import computes_on
from polyglot.kinds.training import targets_at_once


class TargetLoss:
    """Cross-entropy summed over the targets of a micro-batch, each by its weight."""

    def __init__(self, model: PreTrainedModel, *, at_once: int | None = None, ranks: int = 1) -> None:
        """Hook the model's output layer if that gives what its full logits give, on every rank. A collective.

        `at_once` targets have logits at the same time, by default as many as make 2^27 logits.
        """
        self._at: torch.Tensor | None = None
        self._real: torch.Tensor | None = None
        self._config = model.config.get_text_config()
        self.at_once = at_once or targets_at_once(int(self._config.vocab_size))
        self.balance: torch.Tensor | None = None  # of the last call, where it was asked for
        self._wanted: tuple[torch.Tensor, torch.Tensor | None, float] | None = None  # see __call__, for the head
        self.picks_before_head = self.splits_head = False
        head = model.get_output_embeddings()  # type: ignore[no-untyped-call]
        if isinstance(head, nn.Module):
            hook = head.register_forward_pre_hook(self._pick)
            self.picks_before_head = all_say(self._agrees(model), ranks, computes_on(model))
            if not self.picks_before_head:
                hook.remove()
                return
            if not isinstance(head, nn.Linear) or type(head).forward is not nn.Linear.forward:
                return
            original = head.forward
            head.forward = self._split(head, original)  # type: ignore[method-assign]
            self.splits_head = all_say(self._sums_alike(model), ranks, computes_on(model))
            if not self.splits_head:
                head.forward = original  # type: ignore[method-assign]

    def __call__(
        self, model: nn.Module, batch: MicroBatch, *, balanced: bool = False, gradient: float = 1.0
    ) -> torch.Tensor:
        """Return the sum over targets, a float32 scalar with its graph. `model` may wrap the one that was hooked.

        `gradient` is what the backward pass will bring for that sum, where it is known (`loss_in_parts`).
        `balanced`: `balance` is then the routers' auxiliary loss over the tokens of this micro-batch, padding left out.
        """
        self._real = batch.real if balanced else None
        if self.splits_head and len(batch.at) > self.at_once:
            self._wanted = batch.targets, batch.weights, gradient
            try:
                return self.logits(model, batch.input_ids, batch.at, batch.positions, batch.sequences).reshape(())
            finally:
                self._wanted = None
        logits = self.logits(model, batch.input_ids, batch.at, batch.positions, batch.sequences)
        return _summed(logits, batch.targets, batch.weights)

    def logits(
        self,
        model: nn.Module,
        input_ids: torch.Tensor,
        at: torch.Tensor,
        positions: torch.Tensor | None = None,
        sequences: Sequences | None = None,
    ) -> torch.Tensor:
        """Logits of the places `at` (N,) of B*T, as (N, V). No attention mask: padding lies on the right.

        With `positions` (B, T) that begin anew within a row, what precedes such a place is another sample: transformers
        makes the mask of them, where no attention mask and no cache is given (`find_packed_sequence_indices`).
        """
        self._at = at if self.picks_before_head else None
        more: dict[str, torch.Tensor | int] = {}
        if positions is not None and self._by_sequence():
            input_ids, more = input_ids.reshape(1, -1), by_sequence(positions, sequences or between(positions))
        elif positions is not None:
            more = {"position_ids": positions}
        if self._real is not None:
            more["output_router_logits"] = True
        try:
            found = model(input_ids=input_ids, use_cache=False, return_dict=True, **more)
        finally:
            self._at = None
        logits: torch.Tensor = found.logits
        if self._real is not None:
            mask = self._real.reshape(input_ids.shape).long()
            balance: Any = load_balancing_loss_func(found.router_logits, *_experts(self._config), mask)
            self.balance = balance
        flat = logits.reshape(-1, logits.shape[-1])
        return flat if self.picks_before_head else flat.index_select(0, at)

    def _by_sequence(self) -> bool:
        """Whether the model's attention takes sequences by their lengths: the flash kernels do, and no mask."""
        return str(self._config._attn_implementation).startswith("flash")

    def _pick(self, module: nn.Module, arguments: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...] | None:
        del module
        if self._at is None:
            return None
        hidden = arguments[0]
        picked = hidden.reshape(-1, hidden.shape[-1]).index_select(0, self._at)
        return (picked.unsqueeze(0), *arguments[1:])  # (1, N, H)

    def _split(self, head: nn.Linear, call: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., torch.Tensor]:
        """The head's call, which returns the loss (1, 1, 1) in place of logits while one is wanted."""

        def forward(hidden: torch.Tensor) -> torch.Tensor:
            if self._wanted is None:
                return call(hidden)
            targets, weights, gradient = self._wanted

            def loss(logits: torch.Tensor, some: slice) -> torch.Tensor:
                return _summed(logits, targets[some], None if weights is None else weights[some])

            return loss_in_parts(head, hidden[0], loss, at_once=self.at_once, gradient=gradient).reshape(1, 1, 1)

        return forward

    def _sums_alike(self, model: PreTrainedModel) -> bool:
        """Compare the loss in parts with that of full logits on a few tokens."""
        ids = self._few(model)
        at = torch.tensor([1, 3, 4, 6], device=computes_on(model))
        batch, at_once = MicroBatch(ids, at, ids.reshape(-1)[at]), self.at_once
        try:
            with _tried(model):
                whole = self(model, batch)
                self.at_once, self.splits_head = 3, True
                return torch.allclose(self(model, batch), whole, rtol=1e-2)
        except (*_UNFIT, TypeError) as error:
            return _fits_not(error)
        finally:
            self.at_once, self.splits_head = at_once, False

    def _agrees(self, model: PreTrainedModel) -> bool:
        """Compare picked with full logits on a few tokens."""
        ids = self._few(model)
        at = torch.tensor([1, 3, 6], device=computes_on(model))
        try:
            with _tried(model):
                full = self.logits(model, ids, at)
                self.picks_before_head = True
                picked = self.logits(model, ids, at)
            return picked.shape == full.shape and torch.allclose(picked, full, rtol=1e-2, atol=1e-2 * full.std().item())
        except _UNFIT as error:
            return _fits_not(error)
        finally:
            self.picks_before_head = False

    def _few(self, model: PreTrainedModel) -> torch.Tensor:
        """Tokens (2, 4) to try a head with."""
        return torch.arange(8, device=computes_on(model)).remainder(int(self._config.vocab_size)).reshape(2, 4)


_UNFIT = (RuntimeError, IndexError, ValueError)  # of a head that cannot be used so


def _fits_not(error: Exception) -> bool:
    """False, as the answer to whether a head fits; an error of a device or of the exchange is raised again."""
    if isinstance(error, OF_DEVICE) or is_of_exchange(error):
        raise error
    return False


@contextmanager
def _tried(model: PreTrainedModel) -> Iterator[None]:
    """Without dropout and gradients, and as it was afterwards."""
    was_training = model.training
    model.eval()  # type: ignore[no-untyped-call]
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def _experts(config: PreTrainedConfig) -> tuple[int, int]:
    """How many experts a layer has, and how many of them a token goes to."""
    return int(getattr(config, "num_local_experts", None) or config.num_experts), int(config.num_experts_per_tok)


def _summed(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    if weights is None:
        return functional.cross_entropy(logits.float(), targets, reduction="sum")
    with torch.autocast(logits.device.type, enabled=False):  # which would sum in bfloat16
        return functional.cross_entropy(logits.float(), targets, reduction="none") @ weights


def by_sequence(positions: torch.Tensor, sequences: Sequences) -> dict[str, torch.Tensor | int]:
    """What the flash kernels are told of packed rows (B, T), laid end to end as one: where each sequence begins.

    All four, as of positions alone transformers finds out in every layer, for which the GPU is waited for each time.
    """
    borders, longest = sequences
    return {
        "position_ids": positions.reshape(1, -1),
        "cu_seq_lens_q": borders,
        "cu_seq_lens_k": borders,
        "max_length_q": longest,
        "max_length_k": longest,
    }


def between(positions: torch.Tensor) -> Sequences:
    """The sequences of packed rows, of positions that begin anew with each; padding is one of its own."""
    row = positions.reshape(-1)
    begins = (row == 0).nonzero().flatten().to(torch.int32)
    borders = torch.cat([begins, begins.new_tensor([len(row)])])
    return Sequences(borders, int(borders.diff().max()))
