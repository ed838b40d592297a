"""Which token comes next."""

from collections.abc import Sequence

import torch


def uniforms(seeds: Sequence[int], count: int) -> torch.Tensor:
    """Return (rows, count) float64 numbers in [0, 1), each row from its own seed."""
    rows = [torch.rand(count, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows).double()  # drawn in 24 bits, so that u * total stays below total


def choose(
    logits: torch.Tensor, temperatures: torch.Tensor, numbers: torch.Tensor, *, top_k: int, top_p: float
) -> torch.Tensor:
    """Return the next token ids (B,) from logits (B, V), temperatures (B,) and uniform numbers (B,).

    `top_k` 0 and `top_p` 1 leave the distribution whole. Rows with temperature 0 take the largest logit (the first of
    equals); filters do not matter to them.
    """
    chosen = logits.argmax(dim=-1)
    drawn = temperatures > 0
    if not bool(drawn.any()):
        return chosen
    scores = logits[drawn].double() / temperatures[drawn].double().unsqueeze(1)
    if 0 < top_k < scores.shape[1]:
        smallest = scores.topk(top_k, dim=-1).values[:, -1:]
        scores = scores.masked_fill(scores < smallest, float("-inf"))
    probabilities = scores.softmax(dim=-1)
    if top_p < 1:
        probabilities = _nucleus(probabilities, top_p)
    cumulative = probabilities.cumsum(dim=-1)
    places = torch.searchsorted(cumulative, (numbers[drawn].unsqueeze(1) * cumulative[:, -1:]), right=True)
    chosen[drawn] = places.squeeze(1).clamp(max=logits.shape[1] - 1)
    return chosen


def _nucleus(probabilities: torch.Tensor, top_p: float) -> torch.Tensor:
    """Zero all but the smallest set of most probable tokens whose mass reaches `top_p`."""
    ordered, places = probabilities.sort(dim=-1, descending=True, stable=True)
    kept = ordered.cumsum(dim=-1) - ordered < top_p
    return torch.zeros_like(probabilities).scatter(1, places, ordered * kept)
