"""How often the intervals of a judge's card hold the truth, on simulated judges. docs/statistics.md quotes it.

    python -m tests.bench.judge_card_coverage [STUDIES [QUESTIONS]]

A study is one judge over a pair of models: 80 questions of 8 categories x 2 turns x 5 languages. How much better A is
has a part of the question (shared by its turns and languages), of the item and of each verdict; the judge leans to the
first slot, calls close ones ties, and fails at times. Two people rate the same items. The truth is that of very many
questions of the same categories.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from jobs.lib.stats.agreement import Coefficient, Ratings, agreement, raw_agreement
from jobs.lib.stats.clusters import Clusters, Statistic, estimate, minus, share
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval
from jobs.lib.stats.length import length_preference
from jobs.lib.stats.pairwise import UNSCORED, Codes, Orders, order_bias, win_rates
from jobs.lib.stats.retest import flips, scatter

TURNS, LANGUAGES, CATEGORIES = 2, 5, 8
QUESTIONS = 80
RESAMPLES = 1000
VERY_MANY = 40_000  # questions whose figures are taken for the truth
COEFFICIENTS: tuple[Coefficient, ...] = ("kappa", "alpha ordinal", "AC1")
OF_SCORES: Coefficient = "alpha interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A judge's habits, in log-odds where not said otherwise."""

    better: float = 0.3  # A over B
    question_sd: float = 1.0
    item_sd: float = 0.7
    slot: float = 0.6
    close: float = 0.4  # calls a tie below
    failing: float = 0.02  # share of verdicts
    per_doubling: float = 0.3
    score_sd: float = 0.5  # points, of a repeat
    score_sd_spread: float = 0.3  # of its logarithm, between questions


JUDGES = {
    "usual": Judge(),
    "questions all alike": Judge(question_sd=0.0, item_sd=0.0, score_sd_spread=0.0),
    "questions very unlike": Judge(question_sd=2.0, score_sd_spread=0.5),
    "nearly always the first": Judge(slot=4.0),
    "nearly never led by the order": Judge(better=0.0, question_sd=3.0, slot=0.05, close=0.0, item_sd=3.0),
}
# for the comparison of methods
SHARES = {
    "usual": JUDGES["usual"],
    "questions very unlike": JUDGES["questions very unlike"],
    "few, on a few questions": Judge(better=4.0, question_sd=3.0, item_sd=0.3, slot=0.3, per_doubling=0.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What one study sees; arrays over its N items."""

    clusters: Clusters
    orders: Orders
    people: Floats  # (2, N)
    repeats: Codes  # (3, N)
    scores: Floats  # (3, N)
    lengths: Floats  # (2, N)


def draw(judge: Judge, questions: int, random: np.random.Generator, hardness: Floats) -> Study:
    """Simulate one study; `hardness` (categories,) is the same in all of them."""
    items = TURNS * LANGUAGES
    category = np.arange(questions) * CATEGORIES // questions
    shape = (questions, items)
    lengths = np.exp2(8 + random.normal(0, 1, (2, *shape)))
    apart = judge.better + hardness[category][:, None] + random.normal(0, judge.question_sd, (questions, 1))
    apart = apart + random.normal(0, judge.item_sd, shape)
    longer = judge.per_doubling * np.log2(lengths[0] / lengths[1])

    def verdict(lean: float) -> Codes:
        said = apart + longer + lean + random.logistic(size=shape)
        code = np.where(said > judge.close, 0, np.where(said < -judge.close, 1, 2))
        return np.where(random.random(shape) < judge.failing, UNSCORED, code).astype(np.int8).reshape(-1)

    people = [apart + random.logistic(size=shape) for _ in range(2)]
    own_sd = judge.score_sd * np.exp(random.normal(0, judge.score_sd_spread, (questions, 1)))
    level = 7 + random.normal(0, 1, (questions, 1)) + random.normal(0, 1, shape)
    scores = [np.clip(np.round(level + own_sd * random.normal(size=shape)), 1, 10).reshape(-1) for _ in range(3)]
    clusters = Clusters(
        ids=tuple(f"{row:06d}" for row in range(questions)),
        categories=tuple(str(one) for one in category),
        of=np.repeat(np.arange(questions), items),
    )
    first = verdict(judge.slot)
    return Study(
        clusters=clusters,
        orders=Orders(clusters=clusters, ab=first, ba=verdict(-judge.slot)),
        people=np.stack([np.where(one > 0.4, 0.0, np.where(one < -0.4, 2.0, 1.0)).reshape(-1) for one in people]),
        repeats=np.stack([first, verdict(judge.slot), verdict(judge.slot)]),
        scores=np.stack(scores),
        lengths=lengths.reshape(2, -1),
    )


def figures(study: Study, resamples: int = RESAMPLES) -> dict[str, Interval]:
    """The figures of one study, with their limits."""
    bias, wins = order_bias(study.orders), win_rates(study.orders)
    ratings, scores, difference = _tables(study)
    return {
        "inconsistent": bias.inconsistent.interval,
        "first slot": bias.first.interval,
        "ties": bias.ties.interval,
        "A wins both": wins.a.interval,
        "win rate": wins.rate.interval,
        "agreement, raw": raw_agreement(ratings).interval,
        **{str(name): found for name, found in agreement(ratings, COEFFICIENTS, resamples=resamples).items()},
        OF_SCORES + " of scores": agreement(scores, [OF_SCORES], resamples=resamples)[OF_SCORES],
        "people less judge": estimate(minus(*difference), study.clusters.categories, resamples=resamples),
        "flips": flips(study.clusters, study.repeats).interval,
        "SD of repeats": scatter(study.clusters, study.scores, resamples=resamples),
        "log-odds per doubling": length_preference(study.orders, *study.lengths).log_odds_per_doubling,
    }


def _tables(study: Study) -> tuple[Ratings, Ratings, Floats]:
    ours = np.where(study.orders.ab == UNSCORED, np.nan, np.array([0.0, 2.0, 1.0, np.nan])[study.orders.ab])
    one, two = study.people
    rated = ~np.isnan(ours)
    columns = np.stack([one == two, np.ones_like(one), ((one == ours) + 0.0 + (two == ours)) / 2, rated], axis=1)
    return (
        Ratings(clusters=study.clusters, table=np.stack([one, ours]), values=(0.0, 1.0, 2.0)),
        Ratings(clusters=study.clusters, table=study.scores[:2], values=tuple(float(x) for x in range(1, 11))),
        study.clusters.sums(columns).T,
    )


def truth(judge: Judge, hardness: Floats) -> dict[str, float]:
    """The figures of very many questions, which need no limits."""
    study = draw(judge, VERY_MANY, np.random.Generator(np.random.Philox(7)), hardness)
    return {name: interval.mean for name, interval in figures(study, resamples=2).items()}


def coverage(judge: Judge, studies: int, questions: int = QUESTIONS, seed: int = 11) -> dict[str, tuple[float, ...]]:
    """For each figure: the truth, how often the interval held it, was too low and too high, and its mean width."""
    hardness = np.random.Generator(np.random.Philox(5)).normal(0, 0.5, CATEGORIES)
    random = np.random.Generator(np.random.Philox(seed))
    real = truth(judge, hardness)
    seen: dict[str, list[tuple[bool, bool, bool, float]]] = {name: [] for name in real}
    for _ in range(studies):
        for name, found in figures(draw(judge, questions, random, hardness)).items():
            low, high = found.low > real[name], found.high < real[name]
            seen[name].append((not low and not high, high, low, found.high - found.low))
    return {name: (real[name], *(float(part) for part in np.mean(rows, axis=0))) for name, rows in seen.items()}


def share_methods(judge: Judge, studies: int) -> dict[str, float]:
    """How often three intervals of the share of inconsistent items hold the truth."""
    hardness = np.random.Generator(np.random.Philox(5)).normal(0, 0.5, CATEGORIES)
    random = np.random.Generator(np.random.Philox(13))
    real = truth(judge, hardness)["inconsistent"]
    held = {"in use": 0, "percentiles of resamples": 0, "items taken for independent": 0}
    for _ in range(studies):
        orders = draw(judge, QUESTIONS, random, hardness).orders
        clusters, items = orders.clusters, replace(orders.clusters, of=np.arange(len(orders.ab)))
        items = replace(items, ids=tuple(f"{row:06d}" for row in items.of), categories=("",) * len(items.of))
        sums = clusters.sums(np.stack([orders.inconsistent, orders.both], axis=1))
        ratio = Statistic(sums, lambda total: total[..., 0] / total[..., 1], lambda total, missed: (0.0, missed))
        for name, found in (
            ("in use", order_bias(orders).inconsistent.interval),
            ("percentiles of resamples", estimate(ratio, clusters.categories, resamples=RESAMPLES)),
            ("items taken for independent", share(items, orders.inconsistent, orders.both).interval),
        ):
            held[name] += found.low <= real <= found.high
    return {name: number / studies for name, number in held.items()}


def main(studies: int, questions: int) -> None:
    say: Callable[[str], None] = print
    for name, judge in JUDGES.items():
        say(f"{name}: {studies} studies of {questions} questions")
        say(f"  {'':28s}{'truth':>8s}{'covers':>9s}{'below':>8s}{'above':>8s}{'width':>8s}")
        for figure, (real, held, below, above, width) in coverage(judge, studies, questions).items():
            say(f"  {figure:28s}{real:8.3f}{100 * held:8.1f}%{100 * below:7.1f}%{100 * above:7.1f}%{width:8.3f}")
    for name in SHARES:
        shares = share_methods(SHARES[name], studies)
        say(f"inconsistent items, {name}: " + ", ".join(f"{way} {100 * part:.1f}%" for way, part in shares.items()))


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(*(given + [1000, QUESTIONS][len(given) :]))
