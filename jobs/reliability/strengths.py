"""Strengths of arms from the verdicts on their pairs, language by language, beside their scores of single grading."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log2, nan, sqrt

import numpy as np

from jobs.lib.stats.interval import Interval
from jobs.lib.stats.strengths.field import Field
from jobs.lib.stats.strengths.fit import Strengths, strengths
from jobs.lib.stats.strengths.games import Game, Games, Resampling, outcome_of
from jobs.lib.stats.strengths.length import adjusted
from jobs.lib.stats.strengths.standings import Pair, Standings, comparable, standings
from jobs.reliability.figures import ALL, measured, number
from jobs.reliability.pairs import Compared
from polyglot.core.records import UNSET
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.strengths import ArmGap, ArmStrength, ScoreAgreement, StrengthTable, Unranked

Scores = Mapping[tuple[ArmKey, str], float | None]  # mean scores by arm and language
_NOTHING = Interval(mean=nan, low=nan, high=nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arms:
    """Arms that met, by way of others too: their rows, and the fits of these, raw and at equal lengths."""

    keys: tuple[ArmKey, ...]  # in the order of the fits
    rows: Sequence[Compared]
    languages: tuple[str, ...]  # that they met in
    raw: Field
    equal: Field | None


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What all tables have in common."""

    level: float
    resamples: int
    most_unscored: float


def strength_tables(
    rows: Sequence[Compared], languages: Sequence[str], category: Mapping[str, str], scores: Scores, how: How
) -> Iterator[StrengthTable]:
    """A table for all languages together and one a language, for each set of arms that met."""
    resampling = Resampling.of(category, category, how.resamples)
    for own in _met(rows):
        arms = _fitted(own, languages, resampling)
        for language in (ALL, *arms.languages) if len(languages) > 1 else arms.languages:
            on = arms.languages if language == ALL else (language,)  # all that they met in
            yield _table(arms, language, on, scores, how)


def _is_scored(row: Compared) -> bool:
    """Whether each order has a verdict."""
    return row.said(0) is not None and row.said(1) is not None


def games_of(row: Compared, weight: float = 1.0) -> list[Game]:
    """What a row that is scored says, one game an order."""
    said, lengths = (row.said(0), row.said(1)), row.characters
    longer = log2(lengths[0] / lengths[1]) if all(lengths) else nan
    found = [
        Game(row.verdict.id, row.arms[at], row.arms[1 - at], outcome_of(one), weight, longer * sign)
        for at, (one, sign) in enumerate(zip(said, (1, -1), strict=True))
    ]
    return found if row.in_orders else found[:1]


def _met(rows: Sequence[Compared]) -> list[list[Compared]]:
    """The rows, parted where no arm of the ones met any of the others."""
    of: dict[ArmKey, int] = {}
    for arms in dict.fromkeys(row.arms for row in rows):
        known = sorted({of.setdefault(arm, len(of)) for arm in arms})
        of |= {arm: known[0] for arm, group in of.items() if group in known}
    groups: dict[int, list[Compared]] = {}
    for row in rows:
        groups.setdefault(of[row.arms[0]], []).append(row)
    return list(groups.values())


def _fitted(rows: Sequence[Compared], languages: Sequence[str], resampling: Resampling) -> _Arms:
    """Fit each language under each training seed; arms without one stand under each seed of the others."""
    arms = tuple(dict.fromkeys(arm for row in rows for arm in row.arms))
    seeds = tuple(dict.fromkeys(row.seed for row in rows if row.seed is not None)) or (None,)
    scored = [row for row in rows if _is_scored(row)]
    times = Counter(map(_item, scored))
    slot = any(row.in_orders for row in rows)
    raw: dict[tuple[str, int | None], Strengths] = {}
    equal: dict[tuple[str, int | None], Strengths] = {}
    for language in languages:
        for seed in seeds if any(row.verdict.language == language for row in rows) else ():
            own = [row for row in scored if row.verdict.language == language and row.seed in (None, seed)]
            games = [game for row in own for game in games_of(row, 1 / times[_item(row)])]
            found = strengths(Games.of(games, arms, resampling.ids), resampling, ties=True, slot=slot)
            raw[language, seed] = found
            if (held := adjusted(found, resampling)) is not None:
                equal[language, seed] = held
    return _Arms(
        keys=arms,
        rows=rows,
        languages=tuple(language for language in languages if any(name == language for name, _ in raw)),
        raw=Field(models=arms, fits=raw, freedom=resampling.freedom),
        equal=Field(models=arms, fits=equal, freedom=resampling.freedom) if equal else None,
    )


def _item(row: Compared) -> tuple[object, ...]:
    """What is compared; samples and draws of it count once together."""
    return row.arms, row.seed, row.verdict.language, row.verdict.id, row.verdict.turn


def _table(arms: _Arms, language: str, on: tuple[str, ...], scores: Scores, how: How) -> StrengthTable:
    keys, zero = arms.keys, _zero(arms)
    items, unscored = _counts(arms.rows, on)
    failing = _failing(arms.rows, on, how.most_unscored)
    ranked = [place for place, arm in enumerate(keys) if items[arm] and arm not in failing]
    found = standings(arms.raw, zero, on, how.level, ranked)
    seeds = {arm: len({row.seed for row in arms.rows if arm in row.arms} - {None}) for arm in keys}

    def unranked(arm: ArmKey, letters: str) -> Unranked | None:
        return None if letters else "failures" if arm in failing else "not-comparable"

    return StrengthTable(
        language=language,
        zero=tuple(keys[place] for place in zero),
        first_slot=measured(arms.raw.other("first_slot", on, how.level), of=sum(items.values()) // 2),
        per_doubling=measured(
            _NOTHING if arms.equal is None else arms.equal.other("per_doubling", on, how.level),
            of=sum(items.values()) // 2,
        ),
        arms=tuple(
            ArmStrength(
                arm=(arm := keys[row.model]),
                strength=measured(row.strength, of=items[arm] - unscored[arm]),
                equal_lengths=measured(
                    _held_equal(arms, row.model, zero, on, how.level), of=items[arm] - unscored[arm]
                ),
                letters=row.letters,
                unranked=unranked(arm, row.letters) or UNSET,
                items=items[arm],
                unscored=unscored[arm],
                seeds=seeds[arm] if arm.dataset else 0,
                score=scores.get((arm, language)),
            )
            for row in found.models
        ),
        gaps=tuple(_gap(arms, pair, on, language, scores, how) for pair in found.pairs),
        scores=_agreement(keys, found, language, scores),
        most_unscored=how.most_unscored,
    )


def _zero(arms: _Arms) -> tuple[int, ...]:
    """The arm that all others met, and those alone; else all that are compared with each other."""
    met = {row.arms for row in arms.rows}
    centre = [place for place, arm in enumerate(arms.keys) if all(arm in pair for pair in met)]
    if len(centre) == 2:  # of two that met each other, what is not tuned
        centre = [place for place in centre if arms.keys[place].dataset is None]
    return tuple(centre) if len(centre) == 1 else comparable(arms.raw)


def _counts(rows: Sequence[Compared], on: Sequence[str]) -> tuple[Counter[ArmKey], Counter[ArmKey]]:
    """Items of each arm, and those without a verdict."""
    here = [row for row in rows if row.verdict.language in on]
    items = Counter(arm for row in here for arm in row.arms)
    return items, Counter(arm for row in here if not _is_scored(row) for arm in row.arms)


def _failing(rows: Sequence[Compared], on: Sequence[str], most: float) -> set[ArmKey]:
    """Arms too many of whose items have no verdict: the worst first, as it takes verdicts from all that it met."""
    failing: set[ArmKey] = set()
    while True:
        items, unscored = _counts([row for row in rows if not failing & {*row.arms}], on)
        beyond = [arm for arm in items if unscored[arm] > most * items[arm]]
        if not beyond:
            return failing
        worst = max(unscored[arm] / items[arm] for arm in beyond)
        failing |= {arm for arm in beyond if unscored[arm] / items[arm] == worst}


def _held_equal(arms: _Arms, one: int, zero: Sequence[int], on: Sequence[str], level: float) -> Interval:
    """At equal lengths there are finite strengths or none: a single step cannot tell what runs away."""
    if arms.equal is None:
        return _NOTHING
    found = arms.equal.strength(one, zero, on, level)
    return found if isfinite(found.mean) else _NOTHING


def _gap(arms: _Arms, pair: Pair, on: Sequence[str], language: str, scores: Scores, how: How) -> ArmGap:
    first, second = arms.keys[pair.first], arms.keys[pair.second]
    return ArmGap(
        first=first,
        second=second,
        gap=measured(pair.gap),
        joint_low=number(pair.joint.low),
        joint_high=number(pair.joint.high),
        apart=pair.apart,
        equal_lengths=measured(_held_equal(arms, pair.first, (pair.second,), on, how.level)),
        score_difference=number(_apart(first, second, language, scores)),
    )


def _apart(first: ArmKey, second: ArmKey, language: str, scores: Scores) -> float:
    ours, theirs = scores.get((first, language)), scores.get((second, language))
    return nan if ours is None or theirs is None else ours - theirs


def _agreement(keys: Sequence[ArmKey], found: Standings, language: str, scores: Scores) -> ScoreAgreement:
    """Over every two arms that have both; a gap without a sign is a tie."""
    table = np.array(
        [
            (pair.sign, np.sign(beside), pair.apart)
            for pair in found.pairs
            if pair.gap.mean == pair.gap.mean
            and -inf < (beside := _apart(keys[pair.first], keys[pair.second], language, scores)) < inf
        ],
        dtype=np.float64,
    ).reshape(-1, 3)
    ours, theirs, apart = table.T
    both = ours * theirs
    known = sqrt(float((ours != 0).sum()) * float((theirs != 0).sum()))
    return ScoreAgreement(
        pairs=len(table),
        same=int((both > 0).sum()),
        opposite=int((both < 0).sum()),
        tau=number(float(both.sum()) / known) if known else None,
        apart_same=int(((both > 0) & (apart > 0)).sum()),
        apart_opposite=int(((both < 0) & (apart > 0)).sum()),
    )
