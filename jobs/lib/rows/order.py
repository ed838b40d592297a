"""The arithmetic of mixes: the seeded order of ids, and which language each id of a sampled mix gets.

Both are pure functions of (draw, ids, weights): no file order, no hash seed of the process and no platform enters. The
semantics are written down in docs/mixes.md.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from math import lcm

from jobs.lib.rows.by_id import id_key
from polyglot.core.mix import apportion

_MILLION = 1_000_000
VALIDATION = "validation"  # the domain of the order in which ids are taken for validation


def rank(draw: int | str, identifier: str) -> bytes:
    """Return the sort key of an id in one draw: SHA-256 of "<draw>", a zero byte, and the id as NFC in UTF-8.

    In place of a draw's number stands a word where ids are drawn for something else than a mix: see VALIDATION.
    """
    return hashlib.sha256(f"{draw}\0{id_key(identifier)}".encode()).digest()


def ordered(draw: int | str, identifiers: Iterable[str]) -> list[str]:
    """Return the ids in the order of a draw. Equal sets give equal lists."""
    return [identifier for _, identifier in sorted((rank(draw, identifier), identifier) for identifier in identifiers)]


def shares(weights: Sequence[float], languages: int) -> list[Fraction]:
    """Return exact shares that sum to 1. Weights count as the decimal numbers that they print as; () is equal shares.

    Raises ValueError for another number of weights than languages, and for weights that are not positive and finite.
    """
    exact = [Fraction(repr(weight)) for weight in weights] if weights else [Fraction(1)] * languages
    if len(exact) != languages or any(weight <= 0 for weight in exact):
        raise ValueError(f"got weights {list(weights)} for {languages} languages; expected a positive one for each")
    return [weight / sum(exact) for weight in exact]


def natural(rows: Sequence[int], temperature: float) -> list[float]:
    """Return shares proportional to rows^(1/temperature), in millionths that sum to one (largest remainder).

    Temperature 1 keeps the natural shares, a higher one evens them out (Conneau et al. 2020, section 3.1, with
    alpha = 1/temperature). Powers are taken with 40 decimal digits, so that no platform's libm decides a millionth.
    Raises ValueError where a language would get less than a millionth, as one without rows does.
    """
    with localcontext(prec=40):
        exponent = 1 / Decimal(repr(temperature))
        powers = [Fraction(Decimal(count) ** exponent) if count else Fraction(0) for count in rows]
    parts = apportion(powers) if any(powers) else [0]
    if 0 in parts:
        got = f"{list(rows)} rows at temperature {temperature:g}"
        raise ValueError(f"got {got}; expected a millionth for each language")
    return [part / _MILLION for part in parts]


def assignment(exact: Sequence[Fraction]) -> Iterator[int]:
    """Yield, for id number 0, 1, 2, …, the index of the language that it gets; never ends.

    Every prefix of n ids holds language l between n * share - 1 and n * share + 1 times (exclusive), so a longer mix
    only adds to a shorter one and no language is ever more than one row off its share. With equal shares this is
    i mod k. Method: the chairman assignment of Tijdeman (1980, Discrete Mathematics 32:323-330), whose bound is
    1 - 1/(2k - 2); in integers, as shares have a common denominator.
    """
    count = len(exact)
    if len(set(exact)) == 1:
        while True:
            yield from range(count)
    scale = lcm(*(share.denominator for share in exact)) * (2 * count - 2)
    steps = [int(share * scale) for share in exact]
    slack = scale // (2 * count - 2)
    common = lcm(*steps)
    factors = [common // step for step in steps]  # (…) / step is compared as (…) * factor, in whole numbers
    owed = [0] * count  # n * share - rows so far, times `scale`
    while True:
        owed = [debt + step for debt, step in zip(owed, steps, strict=True)]
        due = (index for index in range(count) if owed[index] >= slack)
        # the one whose debt would be the first to pass the bound; the earlier language where two would together
        chosen = min(due, key=lambda index: ((scale - slack - owed[index]) * factors[index], index))
        owed[chosen] -= scale
        yield chosen
