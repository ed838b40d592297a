"""Whether a model keeps packed samples apart, found out by trying it: no list of architectures says it for certain.

An architecture may ignore positions that begin anew (ALiBi), carry a state through the row (recurrent ones), or mix
neighbouring tokens (convolutions). Then a sample would be learnt with a stranger's text before it, without an error.
"""

from contextlib import nullcontext

import torch
from transformers import PreTrainedModel

from jobs.lib.model.loading import embedded
from jobs.lib.ranks import is_of_exchange
from jobs.train.head import TargetLoss
from jobs.train.sharding import computes_on
from polyglot.core.errors import Permanent

_LENGTHS = (5, 4, 6)  # of the samples that are tried
_LIKE_ALONE = 1e-3  # in standard deviations of the logits: what another order of sums may change
_LIKE_ALONE_HALF = 0.1  # in bfloat16
_UNTOUCHED = 1e-5  # another sample's tokens enter no sum at all


def check(loss: TargetLoss, model: PreTrainedModel, *, half: bool) -> None:
    """Raise Permanent unless a sample's logits are those that it has alone, whatever it is packed with.

    `half`: the forward pass computes in bfloat16.
    """
    was_training = model.training
    model.eval()  # type: ignore[no-untyped-call]
    try:
        with torch.no_grad(), torch.autocast("cuda", torch.bfloat16) if half else nullcontext():
            wrong = _fault(loss, model, half=half)
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        if is_of_exchange(error):
            raise
        wrong = f"it takes no positions: {str(error).splitlines()[0][:120]}"
    finally:
        model.train(was_training)
    if wrong:
        raise Permanent(
            f'packing "step": {type(model).__name__} does not keep packed samples apart ({wrong}). Set packing to none'
        )


def check_causal(loss: TargetLoss, model: PreTrainedModel, *, half: bool) -> None:
    """Raise Permanent for a model that sees what comes next: it would learn to copy it, and padding would be read."""
    was_training = model.training
    model.eval()  # type: ignore[no-untyped-call]
    rows, length, device = embedded(model), _LENGTHS[0], computes_on(model)
    ids = (torch.arange(2 * length, device=device) * 7 + 3).remainder(rows)
    other = torch.cat([ids[:length], (ids[length:] + 1).remainder(rows)])
    every = torch.arange(2 * length, device=device)
    try:
        with torch.no_grad(), torch.autocast("cuda", torch.bfloat16) if half else nullcontext():
            one, two = (loss.logits(model, row.unsqueeze(0), every).float()[:length] for row in (ids, other))
    finally:
        model.train(was_training)
    if (one - two).abs().max() / one.std().clamp_min(1e-12) > (_LIKE_ALONE_HALF if half else _LIKE_ALONE):
        raise Permanent(
            f"{type(model).__name__} sees the tokens behind the one that it predicts: it is no causal language model "
            "as configured (is_decoder in config.json?)"
        )


def _fault(loss: TargetLoss, model: PreTrainedModel, *, half: bool) -> str | None:
    rows, count, device = embedded(model), sum(_LENGTHS), computes_on(model)
    ids = (torch.arange(count, device=device) * 7 + 3).remainder(rows)
    positions = torch.cat([torch.arange(length, device=device) for length in _LENGTHS]).unsqueeze(0)
    every = torch.arange(count, device=device)
    packed = loss.logits(model, ids.unsqueeze(0), every, positions).float()
    spread = packed.std().clamp_min(1e-12)
    borders = torch.tensor([0, *_LENGTHS]).cumsum(0).tolist()
    for start, end in zip(borders, borders[1:], strict=False):
        alone = loss.logits(model, ids[start:end].unsqueeze(0), every[: end - start]).float()
        if ((packed[start:end] - alone).abs().max() / spread) > (_LIKE_ALONE_HALF if half else _LIKE_ALONE):
            return "logits differ from those of the sample alone"
        other = (ids + 1).remainder(rows)
        other[start:end] = ids[start:end]
        beside = loss.logits(model, other.unsqueeze(0), every, positions).float()
        if ((packed[start:end] - beside[start:end]).abs().max() / spread) > _UNTOUCHED:
            return "logits change with another sample's text"
    return None
