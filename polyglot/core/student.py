"""Student's t with a whole number of degrees of freedom: quantiles, and the chance of lying within them."""

from functools import lru_cache
from math import atan, cos, pi, sqrt


@lru_cache(maxsize=2**16)
def student_quantile(probability: float, freedom: int) -> float:
    """Return the quantile (probability >= 0.5) of Student's t with a whole number of degrees of freedom."""
    low, high, inner = 0.0, 1.0, 2 * probability - 1
    while student_inner(high, freedom) < inner:
        high *= 2
    while low < (middle := (low + high) / 2) < high:
        if student_inner(middle, freedom) < inner:
            low = middle
        else:
            high = middle
    return middle


def student_inner(t: float, freedom: int) -> float:
    """P(|T| < t), by the finite sums of Abramowitz and Stegun 26.7.3 and 26.7.4."""
    angle = atan(t / sqrt(freedom))
    sine, cosine = t / sqrt(freedom + t * t), cos(angle)
    odd = freedom % 2 == 1
    term, total = (cosine, cosine) if odd else (1.0, 1.0)
    for ratio in _ratios(freedom):
        term *= ratio * cosine * cosine
        total += term
    if not odd:
        return sine * total
    return 2 / pi * (angle + (sine * total if freedom > 1 else 0.0))


@lru_cache(maxsize=1024)
def _ratios(freedom: int) -> tuple[float, ...]:
    """Of each term of the sum to the one before, but for the cosine's square."""
    return tuple((step - 1) / step for step in range(3 if freedom % 2 else 2, freedom - 1, 2))
