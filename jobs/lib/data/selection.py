"""Which ids a mix may use, which it uses, and which row of which language stands for each: pure, from sets of ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from jobs.lib.data import order
from polyglot.core.errors import Permanent


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The chosen (id, language) pairs in mix order, and the ids left out with the reason."""

    pairs: list[tuple[str, str]]
    ids: int  # chosen
    available: int  # ids that every language of the mix has
    left_out: Mapping[str, list[str]]  # "no-row:DE" | "no-tokens:DE" -> ids, sorted


def select(
    *,
    mix: str,
    languages: Sequence[str],
    accepted: Mapping[str, set[str]],
    tokenized: Mapping[str, set[str]],
    sampled: bool,
    weights: Sequence[float],
    size: int | None,
    draw: int,
) -> Selection:
    """Choose the first `size` ids of the draw's order among those that every language of the mix has.

    `accepted` are the ids (NFC) of rows/<LANG>.jsonl, `tokenized` those of tokens.arrow. Pairs run id by id, so that
    a smaller size is a prefix of a larger one. Raises Permanent for a size beyond the ids, and when no id is left.
    """
    common = set.intersection(*(tokenized[language] for language in languages))
    if not common:
        raise Permanent(f"mix {mix}: no id has a tokenized row in each of {' '.join(languages)}")
    if size is not None and size > len(common):
        raise Permanent(
            f"mix {mix}@{size}: got {len(common)} ids that each of {' '.join(languages)} has; "
            f"expected at least {size}. Choose a size up to {len(common)}, or leave it out to use them all"
        )
    chosen = order.ordered(draw, common)[:size]
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
    left_out = _left_out(languages, accepted, tokenized, common)
    return Selection(pairs=pairs, ids=len(chosen), available=len(common), left_out=left_out)


def _left_out(
    languages: Sequence[str],
    accepted: Mapping[str, set[str]],
    tokenized: Mapping[str, set[str]],
    common: set[str],
) -> dict[str, list[str]]:
    anywhere = set().union(*(accepted[language] for language in languages))
    reasons: dict[str, list[str]] = {}
    for language in languages:
        reasons[f"no-row:{language}"] = sorted(anywhere - accepted[language])
        reasons[f"no-tokens:{language}"] = sorted(accepted[language] - tokenized[language])
    assert anywhere - common == set().union(*reasons.values()), "an id left a mix without a reason"  # noqa: S101
    return {reason: ids for reason, ids in reasons.items() if ids}
