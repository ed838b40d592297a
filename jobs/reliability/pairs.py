"""Pairwise judging: how far the order decides, and who wins between two arms."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobs.lib.judging.published import published_winner
from jobs.lib.judging.structured import is_structured
from jobs.lib.stats.clusters import Share
from jobs.lib.stats.interval import Interval
from jobs.lib.stats.length import length_preference, longer_won
from jobs.lib.stats.pairwise import Orders, order_bias, win_rates
from jobs.reliability.figures import ALL, measured, number, where_defined
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.compare import PairVerdict
from polyglot.kinds.reliability import PairReliability, PairResult, RuleDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One turn of two cells, as one judge sees it. `turned`: the comparison's first model is of the second arm.

    `seed` is that of the cells that have one: cells of two seeds never meet.
    """

    pair: str
    judge: str | None  # its name; None of a panel together
    cells: tuple[str, str]  # that were answered, in the order of the verdict
    arms: tuple[ArmKey, ArmKey]
    turned: bool
    verdict: PairVerdict
    seed: int | None = None

    def said(self, order: int) -> str | None:
        """What was said with the answer of the arm number `order` (0 or 1) in the first place."""
        orders = self.verdict.orders
        if orders:
            return orders[order if not self.turned else 1 - order].said
        outcome = self.verdict.outcome  # of somebody who told no orders
        if outcome not in ("first", "second"):
            return outcome
        winner = 0 if (outcome == "first") != self.turned else 1
        return "A" if winner == order else "B"

    @property
    def in_orders(self) -> bool:
        """Whether the judge told what it said in some order."""
        return any(order.said is not None for order in self.verdict.orders)

    @property
    def characters(self) -> tuple[int, int]:
        """Of the arms' answers."""
        first, second = self.verdict.characters
        return (second, first) if self.turned else (first, second)


def _orders(rows: Sequence[Compared], category: Mapping[str, str]) -> Orders:
    """The first arm of each row is A of the statistics."""
    return Orders.of_slots(
        [row.verdict.id for row in rows], [row.said(0) for row in rows], [row.said(1) for row in rows], category
    )


def _by_language(rows: Sequence[Compared], languages: Sequence[str]) -> Iterator[tuple[str, list[Compared]]]:
    """All languages together, and each."""
    if len(languages) > 1:
        yield ALL, list(rows)
    for language in languages:
        yield language, [row for row in rows if row.verdict.language == language]


def pair_reliability(
    rows: Sequence[Compared],
    languages: Sequence[str],
    category: Mapping[str, str],
    differing: Mapping[str, int],
    level: float,
) -> Iterator[PairReliability]:
    """What is to be known of a judge of pairs, over all pairs that it judged; `differing` as of single grading."""
    for language, own in _by_language(rows, languages):
        if not own:
            continue
        orders = _orders(own, category)
        bias, length = order_bias(orders, level), _Lengths.of(own, category, level)
        said = [order for row in own for order in row.verdict.orders]
        missing = sum(2 for row in own if not row.verdict.orders)
        reasons = Counter(order.reason for order in said if order.reason is not None)
        if missing:
            reasons["no-answer"] += missing
        yield PairReliability(
            language=language,
            planned=2 * len(own),
            parsed=bias.verdicts,
            reasons=dict(sorted(reasons.items())),
            conflicting=sum(order.conflicting for order in said),
            published_differs=differing.get(language, 0),
            inconsistent=measured(bias.inconsistent),
            first_slot=measured(bias.first),
            ties=measured(bias.ties),
            both_bad=measured(bias.both_bad),
            longer_won=measured(length.longer_won),
            odds_per_doubling=measured(length.odds, of=length.verdicts),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lengths:
    """How verdicts go with length, among answers that are not empty."""

    longer_won: Share | None = None
    odds: Interval | None = None
    verdicts: int = 0

    @classmethod
    def of(cls, rows: Sequence[Compared], category: Mapping[str, str], level: float) -> "_Lengths":
        """Measure it; the regression has no answer where lengths, pairs and order tell each other."""
        said = [row for row in rows if all(row.characters)]
        if not said:
            return cls()
        orders = _orders(said, category)
        first, second = ([row.characters[side] for row in said] for side in (0, 1))
        share = longer_won(orders, first, second, level)
        pairs = [" | ".join(key.arm for key in row.arms) for row in said]
        found = where_defined(lambda: length_preference(orders, first, second, pairs=pairs, level=level))
        if found is None:
            return cls(longer_won=share)
        odds = None if found.separated else found.log_odds_per_doubling
        return cls(longer_won=share, odds=odds, verdicts=found.verdicts)


def pair_results(
    rows: Sequence[Compared], languages: Sequence[str], category: Mapping[str, str], level: float
) -> Iterator[PairResult]:
    """Every two arms, in all languages and in each; the cells of their seeds and draws together."""
    for arms in dict.fromkeys(row.arms for row in rows):
        mine = [row for row in rows if row.arms == arms]
        for language, own in _by_language(mine, languages):
            if own:
                yield _result(arms, language, own, category, level)


def _result(
    arms: tuple[ArmKey, ArmKey], language: str, rows: Sequence[Compared], category: Mapping[str, str], level: float
) -> PairResult:
    found = win_rates(_orders(rows, category), level)
    scored, won = found.rate.of, found.rate.hits
    return PairResult(
        first=arms[0],
        second=arms[1],
        language=language,
        cells=len({row.pair for row in rows}),
        wins=measured(found.a),
        ties=measured(found.ties),
        losses=measured(found.b),
        rate=measured(found.rate),
        inconsistent=measured(found.inconsistent if any(row.in_orders for row in rows) else None),
        both_bad=measured(found.both_bad),
        unscored=found.unscored,
        rate_at_least=number(won / (scored + found.unscored)),
        rate_at_most=number((won + found.unscored) / (scored + found.unscored)),
    )


def differences(rows: Sequence[Compared]) -> Iterator[RuleDifference]:
    """The replies that the benchmark's own rule reads otherwise; it is not about JSON."""
    for row in rows:
        verdict = row.verdict
        for number_of_order, order in enumerate(verdict.orders):
            published = published_winner(order.text)
            if order.text and published != order.said and not is_structured(order.text):
                yield RuleDifference(
                    of=row.pair,
                    language=verdict.language,
                    id=verdict.id,
                    sample=verdict.sample,
                    turn=verdict.turn,
                    order=number_of_order,
                    ours=order.said,
                    published=published,
                    text=order.text,
                )
