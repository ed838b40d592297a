"""Whether a model keeps packed samples apart, found out by trying it: no list of architectures says it for certain.

An architecture may ignore positions that begin anew (ALiBi), carry a state through the row (recurrent ones), or mix
neighbouring tokens (convolutions). Then a sample would be learnt with a stranger's text before it, without an error.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from transformers import PreTrainedModel

from jobs.lib.model.loading import OF_DEVICE, embedded, routes
from jobs.lib.ranks import is_of_exchange
from jobs.train.head import TargetLoss
from jobs.train.sharding import computes_on
from polyglot.core.errors import Permanent

_LENGTHS = (5, 4, 6)  # of the samples that are tried
# In standard deviations of the logits; the farthest one, or the root mean square in bfloat16 (batching.py has it so
# too): of millions of logits the one that was rounded worst says nothing, and a router's near ties fall otherwise.
_LIKE_ALONE = 1e-3  # what another order of sums may change
_LIKE_ALONE_HALF = 0.2
_UNTOUCHED = 1e-5  # another sample's tokens enter no sum at all, and the shapes are equal
_UNSEEN_HALF = 0.02  # likewise of tokens that come next
_UNTOUCHED_ROUTED = 0.05  # of a mixture in bfloat16, at most places: a router's near tie falls otherwise at a few


def check(loss: TargetLoss, model: PreTrainedModel, *, half: bool) -> None:
    """Raise Permanent unless a sample's logits are those that it has alone, whatever it is packed with.

    `half`: the forward pass computes in bfloat16. A device's own errors, such as having no memory left, are raised.
    """
    was_training = model.training
    model.eval()  # type: ignore[no-untyped-call]
    try:
        with torch.no_grad(), _autocast(model, half=half):
            wrong = _fault(loss, model, half=half)
    except OF_DEVICE:
        raise
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
        with torch.no_grad(), _autocast(model, half=half):
            one, two = (loss.logits(model, row.unsqueeze(0), every).float()[:length] for row in (ids, other))
    finally:
        model.train(was_training)
    most = _like_alone(half=half) if routes(model.config) or not half else _UNSEEN_HALF
    if _distance(one, two, half=half) / one.std().clamp_min(1e-12) > most:
        raise Permanent(
            f"{type(model).__name__} sees the tokens behind the one that it predicts: it is no causal language model "
            "as configured (is_decoder in config.json?)"
        )


def _autocast(model: PreTrainedModel, *, half: bool) -> AbstractContextManager[object]:
    return torch.autocast(computes_on(model).type, torch.bfloat16) if half else nullcontext()


def _like_alone(*, half: bool) -> float:
    return _LIKE_ALONE_HALF if half else _LIKE_ALONE


def _distance(one: torch.Tensor, two: torch.Tensor, *, half: bool) -> torch.Tensor:
    difference = one - two
    return difference.pow(2).mean().sqrt() if half else difference.abs().max()


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
        if _distance(packed[start:end], alone, half=half) / spread > _like_alone(half=half):
            return "logits differ from those of the sample alone"
        other = (ids + 1).remainder(rows)
        other[start:end] = ids[start:end]
        beside = loss.logits(model, other.unsqueeze(0), every, positions).float()
        if _changes(packed[start:end], beside[start:end], spread, routed=routes(model.config), half=half):
            return "logits change with another sample's text"
    return None


def _changes(one: torch.Tensor, two: torch.Tensor, spread: torch.Tensor, *, routed: bool, half: bool) -> bool:
    """Whether another sample's text has changed these logits; of a mixture of experts it may change a few places."""
    if not routed:
        return bool(_distance(one, two, half=half) / spread > _UNTOUCHED)
    if half and (one - two).pow(2).mean(dim=-1).sqrt().median() / spread > _UNTOUCHED_ROUTED:
        return True
    return bool(_distance(one, two, half=half) / spread > _like_alone(half=half))
