"""Mixes as points of a simplex: their shares, what a design of them can tell, and the terms of a blending model.

A mix by shares (a sampled one, or one language alone) is a blend of *components*. Those are its languages; where a
study varies one language's share alone, they are that language and the rest, blended as it is in every mix. The terms
are Scheffe's (1958, Experiments with mixtures, JRSS B 20:344): one for each component, without a constant, and
products.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import comb
from typing import Literal

from polyglot.core.languages import language_rank
from polyglot.core.mix import Mix, apportion

ENGLISH = "EN"
Curvature = Literal["common", "quadratic"]
Shares = Mapping[str, float]  # by language, without those that it lacks; they sum to one
LEAST_MIXES = 3  # that differ in their shares, to say which are best
_ALIKE = 1e-4  # shares are millionths, so what is the same differs by less
_MOST_POINTS = 1001  # of a lattice
_STEPS = (20, 10, 5, 4, 2)


def shares_of(mix: Mix) -> Shares | None:
    """The shares of a mix; None where its rows are not dealt by shares: a parallel one, or one by temperature."""
    if mix.temperature is not None or (len(mix.languages) > 1 and not mix.sampled):
        return None
    return dict(zip(mix.languages, mix.weights, strict=True))


def equal_shares(languages: Sequence[str]) -> Shares:
    """As much of each language."""
    return dict.fromkeys(languages, 1 / len(languages))


def simplex_design(languages: Sequence[str]) -> tuple[Mix, ...]:
    """The mixes of a design in two languages or more: each alone, each left out, all equally, more English.

    The last three (axial points) are a quarter, a half and three quarters of the way from equal shares to English
    alone; without English among them it is the first language that there is more of.
    """
    ordered = sorted(languages, key=language_rank)
    number = len(ordered)
    found = [Mix((language,)) for language in ordered]
    if number > 2:
        found += [
            _sampled(part, [Fraction(1)] * (number - 1)) for part in reversed([*combinations(ordered, number - 1)])
        ]
    found.append(_sampled(ordered, [Fraction(1)] * number))
    heavy = ordered.index(ENGLISH) if ENGLISH in ordered else 0
    for way in (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4)):
        weights = [(1 - way) / number + (way if place == heavy else 0) for place in range(number)]
        found.append(_sampled(ordered, weights))
    return tuple(found)


def share_sweep(languages: Sequence[str]) -> tuple[Mix, ...]:
    """Five shares of English (without it of the first language), the others equally: none, equal, all, two between."""
    ordered = sorted(languages, key=language_rank)
    heavy = ordered.index(ENGLISH) if ENGLISH in ordered else 0
    others = [language for place, language in enumerate(ordered) if place != heavy]
    number = len(ordered)
    ways = [Fraction(0), Fraction(3, 10), Fraction(3, 4)]  # 20, 44 and 80 % of five languages
    between = [
        _sampled(ordered, [(1 - way) / number + (way if place == heavy else 0) for place in range(number)])
        for way in ways
    ]
    least = Mix((others[0],)) if len(others) == 1 else _sampled(others, [Fraction(1)] * len(others))
    return (least, *between, Mix((ordered[heavy],)))


def _sampled(languages: Sequence[str], weights: Sequence[Fraction]) -> Mix:
    """The sampled mix of these weights, under its one name."""
    if len(set(weights)) == 1:
        return Mix(tuple(languages), sampled=True)
    return Mix(tuple(languages), tuple(apportion([*weights])), True)


@dataclass(frozen=True, slots=True)
class Components:
    """What mixes are blends of: a component is a language, or several in fixed shares."""

    blends: tuple[Shares, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """A component's languages, without their shares."""
        return tuple("".join(blend) for blend in self.blends)

    @property
    def languages(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(sorted((code for blend in self.blends for code in blend), key=language_rank))

    @property
    def english(self) -> int | None:
        """Which component is English."""
        return self.names.index(ENGLISH) if ENGLISH in self.names else None

    def at(self, shares: Shares) -> tuple[float, ...]:
        """The coordinates of a mix: how much of each component."""
        return tuple(sum(shares.get(code, 0.0) for code in blend) for blend in self.blends)

    def shares(self, at: Sequence[float]) -> dict[str, float]:
        """The shares of the mix at these coordinates."""
        found = {
            code: x * part for x, blend in zip(at, self.blends, strict=True) for code, part in blend.items() if x > 0
        }
        return dict(sorted(found.items(), key=lambda item: language_rank(item[0])))

    def has(self, shares: Shares) -> bool:
        """Whether a mix is a blend of them."""
        again = self.shares(self.at(shares))
        return all(abs(again.get(code, 0.0) - shares.get(code, 0.0)) < _ALIKE for code in {*again, *shares})

    def terms(self, at: Sequence[float], curvature: Curvature) -> tuple[float, ...]:
        """The terms of a blending model at these coordinates, as `term_names` names them."""
        products = [first * second for first, second in combinations(at, 2)]
        if curvature == "quadratic" or len(at) == 2:
            return (*at, *products)
        english = self.english
        return (*at, sum(products), *(() if english is None else (at[english] * (1 - at[english]),)))

    def term_names(self, curvature: Curvature) -> tuple[str, ...]:
        """What the coefficients of the terms are called."""
        names = self.names
        if curvature == "quadratic" or len(names) == 2:
            return (*names, *(f"{first} x {second}" for first, second in combinations(names, 2)))
        return (*names, "blending", *(() if self.english is None else (f"{ENGLISH} with others",)))

    def lattice(self, within: Sequence[Sequence[float]]) -> Iterator[tuple[float, ...]]:
        """Coordinates at equal steps (a twentieth, or more where that would be many) that no tried mix is outside of.

        `within` are those of the tried mixes: each component stays between its least and greatest share in them.
        """
        number = len(self.blends)
        steps = next((steps for steps in _STEPS if comb(steps + number - 1, number - 1) <= _MOST_POINTS), _STEPS[-1])
        least = [min(at[place] for at in within) - _ALIKE for place in range(number)]
        most = [max(at[place] for at in within) + _ALIKE for place in range(number)]
        for parts in _compositions(steps, number):
            at = tuple(part / steps for part in parts)
            if all(low <= x <= high for low, x, high in zip(least, at, most, strict=True)):
                yield at


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All ways to write a number as a sum of so many, zeros included."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total, -1, -1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)


def find_components(mixes: Sequence[Shares]) -> Components | None:
    """What these mixes are blends of; None where they are of one language."""
    languages = sorted({code for shares in mixes for code in shares}, key=language_rank)
    if len(languages) < 2:
        return None
    for code in languages:
        rest = _rest_of(code, mixes)
        if rest is not None:
            return Components(({code: 1.0}, rest))
    return Components(tuple({code: 1.0} for code in languages))


def _rest_of(language: str, mixes: Sequence[Shares]) -> Shares | None:
    """The one blend of all other languages that every mix has, as far as it has any; None where there are several."""
    found: Shares | None = None
    for shares in mixes:
        left = 1 - shares.get(language, 0.0)
        if left < _ALIKE:
            continue
        rest = {code: part / left for code, part in shares.items() if code != language}
        if found is None:
            found = rest
        elif rest.keys() != found.keys() or any(abs(rest[code] - found[code]) * left > _ALIKE for code in rest):
            return None
    return found


def is_identified(rows: Sequence[Sequence[float]]) -> bool:
    """Whether mixes with these terms tell every coefficient: whether the rank is the number of terms."""
    left = [list(row) for row in rows]
    for column in range(len(rows[0]) if rows else 0):
        pivot = max(left, key=lambda row: abs(row[column]), default=None)
        if pivot is None or abs(pivot[column]) < _ALIKE:
            return False
        left = [
            [value - row[column] / pivot[column] * other for value, other in zip(row, pivot, strict=True)]
            for row in left
            if row is not pivot
        ]
    return bool(rows)
