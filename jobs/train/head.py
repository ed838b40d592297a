"""The loss of one micro-batch, with logits computed only where a target is.

In instruction tuning about half of all positions are prompt or padding; their logits are the largest tensor of the
step and nobody reads them. A hook on the output layer picks the supervised positions out of the hidden states before
the layer multiplies. Whether an architecture's head can be used so is tried once against its full logits; where it
cannot (it mixes positions after the head), all logits are computed and picked afterwards: same loss, more memory.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel

from jobs.train.batches import MicroBatch


class TargetLoss:
    """Cross-entropy summed over the targets of a micro-batch, each by its weight."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Hook the model's output layer if that gives what its full logits give."""
        self._at: torch.Tensor | None = None
        self._config = model.config.get_text_config()
        self.picks_before_head = False
        head = model.get_output_embeddings()  # type: ignore[no-untyped-call]
        if isinstance(head, nn.Module):
            hook = head.register_forward_pre_hook(self._pick)
            self.picks_before_head = self._agrees(model)
            if not self.picks_before_head:
                hook.remove()

    def __call__(self, model: nn.Module, batch: MicroBatch) -> torch.Tensor:
        """Return the sum over targets, a float32 scalar with its graph. `model` may wrap the one that was hooked."""
        logits = self.logits(model, batch.input_ids, batch.at, batch.positions)
        if batch.weights is None:
            return functional.cross_entropy(logits.float(), batch.targets, reduction="sum")
        return functional.cross_entropy(logits.float(), batch.targets, reduction="none") @ batch.weights

    def logits(
        self, model: nn.Module, input_ids: torch.Tensor, at: torch.Tensor, positions: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Logits of the places `at` (N,) of B*T, as (N, V). No attention mask: padding lies on the right.

        With `positions` (B, T) that begin anew within a row, what precedes such a place is another sample: transformers
        makes the mask of them, where no attention mask and no cache is given (`find_packed_sequence_indices`).
        """
        self._at = at if self.picks_before_head else None
        more: dict[str, Any] = {}
        if positions is not None and self._by_sequence():
            input_ids, more = input_ids.reshape(1, -1), by_sequence(positions)
        elif positions is not None:
            more = {"position_ids": positions}
        try:
            logits: torch.Tensor = model(input_ids=input_ids, use_cache=False, return_dict=True, **more).logits
        finally:
            self._at = None
        flat = logits.reshape(-1, logits.shape[-1])
        return flat if self.picks_before_head else flat.index_select(0, at)

    def _by_sequence(self) -> bool:
        """Whether the model's attention takes sequences by their lengths: the flash kernels do, and no mask."""
        return str(self._config._attn_implementation).startswith("flash")

    def _pick(self, module: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
        del module
        if self._at is None:
            return None
        hidden = arguments[0]
        picked = hidden.reshape(-1, hidden.shape[-1]).index_select(0, self._at)
        return (picked.unsqueeze(0), *arguments[1:])  # (1, N, H)

    def _agrees(self, model: PreTrainedModel) -> bool:
        """Compare picked with full logits on a few tokens."""
        was_training = model.training
        model.eval()  # type: ignore[no-untyped-call]
        ids = torch.arange(8, device=model.device).remainder(model.config.get_text_config().vocab_size).reshape(2, 4)
        at = torch.tensor([1, 3, 6], device=model.device)
        try:
            with torch.no_grad():
                full = self.logits(model, ids, at)
                self.picks_before_head = True
                picked = self.logits(model, ids, at)
            return picked.shape == full.shape and torch.allclose(picked, full, rtol=1e-2, atol=1e-2 * full.std().item())
        except (RuntimeError, IndexError, ValueError):
            return False
        finally:
            self.picks_before_head = False
            model.train(was_training)


def by_sequence(positions: torch.Tensor) -> dict[str, Any]:
    """What the flash kernels are told of packed rows (B, T), laid end to end as one: where each sequence begins.

    Padding is a sequence of its own, as its positions begin anew.
    """
    row = positions.reshape(1, -1)
    begins = (row[0] == 0).nonzero().flatten().to(torch.int32)
    borders = torch.cat([begins, begins.new_tensor([row.shape[1]])])
    longest = int(borders.diff().max())
    return {
        "position_ids": row,
        "cu_seq_lens_q": borders,
        "cu_seq_lens_k": borders,
        "max_length_q": longest,
        "max_length_k": longest,
    }
