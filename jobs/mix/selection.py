"""Which ids a mix may use, which it uses, and which row of which language stands for each: pure, from sets of ids."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice

from jobs.lib.rows import order
from polyglot.core.errors import Permanent

Pair = tuple[str, str]  # id, language


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The chosen (id, language) pairs in mix order, and the ids left out with the reason."""

    pairs: list[Pair]
    ids: int  # chosen
    available: int  # ids that could be drawn
    shares: Sequence[Fraction] = ()  # asked for, of a sampled mix
    left_out: Mapping[str, list[str]] = field(default_factory=dict)  # "no-row:DE" | "over-long:DE" | … -> ids, sorted


def select(
    *,
    mix: str,
    languages: Sequence[str],
    tokenized: Mapping[str, Collection[str]],
    dropped: Mapping[str, Mapping[str, str]],
    sampled: bool,
    weights: Sequence[float],
    size: int | None,
    draw: int,
    contaminated: Collection[str] = (),
) -> Selection:
    """Choose the first `size` ids of the draw's order among those that every language of the mix has.

    `tokenized` are the ids (NFC) with a row in each token set, `dropped` maps those without one to the reason;
    `contaminated` ids leave in every language. Pairs run id by id, so that a smaller size is a prefix of a larger one.
    Raises Permanent for a size beyond the ids, and when no id is left.
    """
    common = set(tokenized[languages[0]]).intersection(*(tokenized[language] for language in languages[1:]))
    kept = common - set(contaminated) if contaminated else common
    left_out = _left_out(languages, tokenized, dropped, common)
    if common - kept:
        left_out["contaminated"] = sorted(common - kept)
    check_size(mix, languages, kept, size, left_out)
    chosen = order.ordered(draw, kept)[:size]
    try:
        exact = order.shares(weights, len(languages))
    except ValueError as error:
        raise Permanent(f"mix {mix}: {error}") from error
    if sampled:
        turns = islice(order.assignment(exact), len(chosen))
        pairs = [(name, languages[index]) for name, index in zip(chosen, turns, strict=True)]
    elif len(set(exact)) > 1:
        raise Permanent(f"mix {mix}: a parallel mix has every id in every language, so it cannot be weighted")
    else:
        pairs = [(name, language) for name in chosen for language in languages]
    return Selection(
        pairs=pairs, ids=len(chosen), available=len(kept), shares=exact if sampled else (), left_out=left_out
    )


def check_size(
    mix: str,
    languages: Sequence[str],
    kept: Collection[str],
    size: int | None,
    left_out: Mapping[str, Collection[str]],
) -> None:
    """Raise Permanent when no id is left, or fewer than the size asks for; it says why others are left out."""
    reasons = ", ".join(f"{reason} {len(ids)}" for reason, ids in left_out.items())
    lost = f"; left out: {reasons}" if reasons else ""
    if not kept:
        raise Permanent(f"mix {mix}: no id has a tokenized row in each of {' '.join(languages)}{lost}")
    if size is not None and size > len(kept):
        raise Permanent(
            f"mix {mix}@{size}: got {len(kept)} ids that each of {' '.join(languages)} has; "
            f"expected at least {size}{lost}. Choose a size up to {len(kept)}, or leave it out to use them all"
        )


def _left_out(
    languages: Sequence[str],
    tokenized: Mapping[str, Collection[str]],
    dropped: Mapping[str, Mapping[str, str]],
    common: set[str],
) -> dict[str, list[str]]:
    anywhere = set().union(*tokenized.values(), *dropped.values())
    reasons: dict[str, list[str]] = {}
    for name in sorted(anywhere - common):
        for language in languages:
            if name not in tokenized[language]:
                reasons.setdefault(f"{dropped[language].get(name, 'no-row')}:{language}", []).append(name)
    return {reason: reasons[reason] for reason in sorted(reasons)}
