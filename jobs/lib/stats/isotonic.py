"""Curves that do not fall: the least-squares one, and the band that limits holding together leave of it."""

from collections.abc import Sequence

Curve = tuple[float, ...]


def isotonic(values: Sequence[float], weights: Sequence[float]) -> Curve:
    """The non-decreasing values that are nearest to `values` by weighted squares: pool adjacent violators.

    Ayer et al. 1955, An empirical distribution function for sampling with incomplete information, Annals of
    Mathematical Statistics 26:641.
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for value, weight in zip(values, weights, strict=True):
        mean, total, number = value, weight, 1
        while blocks and blocks[-1][0] >= mean:
            before, other, more = blocks.pop()
            mean, total, number = (before * other + mean * total) / (other + total), other + total, more + number
        blocks.append((mean, total, number))
    return tuple(mean for mean, _, number in blocks for _ in range(number))


def monotone_band(low: Sequence[float], high: Sequence[float]) -> tuple[Curve, Curve] | None:
    """What limits that hold for all sizes at once leave of a curve that does not fall; None where they leave nothing.

    Where it is at least `low` at one size it is so at all larger ones, and at most `high` at all smaller ones: a band
    for all sizes at once stays one, as every non-decreasing curve inside the limits is inside of these.
    """
    above, below = [*low], [*high]
    for place in range(1, len(above)):
        above[place] = max(above[place], above[place - 1])
        below[-1 - place] = min(below[-1 - place], below[-place])
    if any(least > most for least, most in zip(above, below, strict=True)):
        return None
    return tuple(above), tuple(below)
