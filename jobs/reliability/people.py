"""People beside the judge: how often two of them agree on an item, and the judge with them on the same items.

A vote on a whole conversation (turn 0) meets the judge's view of it: of a pair the answer that won more of its turns,
of a score the mean of its turns, rounded half up; a conversation with a turn that has no verdict has no view. Where the
judge compared no pairs, or beside that, the higher of its two scores is its view of a pair.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from math import floor
from typing import Literal

from jobs.lib.stats.agreement import SCORES, THREE, Coefficient, Ratings, agreement
from jobs.lib.stats.clusters import Clusters
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.votes import Agreeing, Item, between_views, difference, pairs_table, views_table, within_views
from jobs.reliability.figures import ALL, measured
from jobs.reliability.reading import Graded
from polyglot.kinds.compare import PairVerdict
from polyglot.kinds.measured import Measured
from polyglot.kinds.people import WHOLE, HumanVote
from polyglot.kinds.reliability import PeopleAgreement

What = Literal["pairs", "scores"]
FIRST, TIE, SECOND = THREE["A"], THREE["tie"], THREE["B"]  # who won of an item's two, in the order of their names
_Place = tuple[str, str, int]  # language, question, sample
_Values = dict[Item, list[float]]
_SCALES: Mapping[What, tuple[tuple[float, ...], tuple[Coefficient, Coefficient, Coefficient]]] = {
    "pairs": ((FIRST, TIE, SECOND), ("kappa", "AC2 ordinal", "alpha ordinal")),
    "scores": (SCORES, ("kappa quadratic", "AC2 ordinal", "alpha ordinal")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Votes, and the judge's views by place: of two cells (in the order of their names) and of one, by turn."""

    votes: Sequence[HumanVote]
    compared: Mapping[tuple[_Place, str, str], Mapping[int, float | None]]
    scored: Mapping[tuple[_Place, str], Mapping[int, float | None]]

    @classmethod
    def of(
        cls, votes: Sequence[HumanVote], rows: Sequence[Graded], pairs: Sequence[tuple[str, str, PairVerdict]]
    ) -> "People":
        """From the judge's verdicts; `pairs` are the two cells in the verdict's order, with it."""
        compared: dict[tuple[_Place, str, str], dict[int, float | None]] = defaultdict(dict)
        scored: dict[tuple[_Place, str], dict[int, float | None]] = defaultdict(dict)
        for first, second, verdict in pairs:
            place = (verdict.language, verdict.id, verdict.sample)
            view = None if verdict.outcome is None else _ordered(verdict.outcome, first, second)
            compared[place, min(first, second), max(first, second)][verdict.turn] = view
        for row in rows:
            one = row.verdict
            scored[(one.language, one.id, one.sample), row.cell][one.turn] = one.score
        return cls(votes=votes, compared=compared, scored=scored)

    def judge(self, vote: HumanVote, judged: What) -> float | None:
        """The judge's view of what a vote is on."""
        place = (vote.language, vote.id, vote.sample)
        if vote.second is None:
            found = self._score(place, vote.first, vote.turn) if judged == "scores" else None
            return None if found is None else float(floor(found + 0.5))
        low, high = sorted((vote.first, vote.second))
        if judged == "pairs":
            turns = self.compared.get((place, low, high), {})
            if vote.turn != WHOLE:
                return turns.get(vote.turn)
            views = [view for view in turns.values() if view is not None]
            return _larger(views.count(FIRST), views.count(SECOND)) if views and len(views) == len(turns) else None
        one, other = (self._score(place, cell, vote.turn) for cell in (low, high))
        return None if one is None or other is None else _larger(one, other)

    def _score(self, place: _Place, cell: str, turn: int) -> float | None:
        turns = self.scored.get((place, cell), {})
        if turn != WHOLE:
            return turns.get(turn)
        scores = [score for score in turns.values() if score is not None]
        return sum(scores) / len(scores) if scores and len(scores) == len(turns) else None


def people_agreement(
    people: People, languages: Sequence[str], category: Mapping[str, str], level: float, resamples: int
) -> Iterator[PeopleAgreement]:
    """Pairs and scores by themselves; each for all languages together, and for each."""
    whats: tuple[What, What] = ("pairs", "scores")
    for what in whats:
        every = [vote for vote in people.votes if (vote.second is None) == (what == "scores")]
        for language in (ALL, *languages) if len({vote.language for vote in every}) > 1 else languages:
            votes = [vote for vote in every if language in (ALL, vote.language)]
            ways = [way for way in whats if any(people.judge(vote, way) is not None for vote in votes)]
            judged: list[What | None] = [*ways] or [None]
            for way in judged if votes else ():
                yield _beside(people, votes, language, what, way, category, level, resamples)


def _beside(
    people: People,
    votes: Sequence[HumanVote],
    language: str,
    what: What,
    judged: What | None,
    category: Mapping[str, str],
    level: float,
    resamples: int,
) -> PeopleAgreement:
    said, judge = _Values(), _Values()
    for vote in votes:
        item = _item(vote)
        said.setdefault(item, []).append(_said(vote))
        view = people.judge(vote, judged) if judged is not None else None
        if view is not None:
            judge[item] = [view]
    alike, beside = within_views(said), between_views(judge, said)
    each_way = pairs_table({item: permutations(given, 2) for item, given in said.items()})
    both = pairs_table({item: product(view, said[item]) for item, view in judge.items()})
    own = views_table(said)
    kappa, *others = _SCALES[what][1]

    def figures(table: tuple[list[Item], Floats], names: Sequence[Coefficient]) -> list[Measured]:
        items, values = table
        if not items:
            return [measured(None) for _ in names]
        clusters = Clusters.by([item[0] for item in items], category)
        ratings = Ratings(clusters=clusters, table=values, values=_SCALES[what][0])
        found = agreement(ratings, names, level, resamples)
        return [measured(found[name], of=len(set(items))) for name in names]

    (people_kappa,), (people_ac2, people_alpha) = figures(each_way, [kappa]), figures(own, others)
    judge_kappa, judge_ac2, judge_alpha = figures(both, [kappa, *others])
    return PeopleAgreement(
        language=language,
        what=what,
        judged=judged,
        people=len({vote.rater for vote in votes}),
        votes=len(votes),
        native=sum(vote.speaks == "native" for vote in votes),
        items=len(said),
        shared=len(alike.items),
        judged_items=len(judge),
        people_agree=measured(alike.share(category, level)),
        judge_agrees=measured(beside.share(category, level)),
        difference=_difference(beside, alike, category, level, resamples),
        people_kappa=people_kappa,
        judge_kappa=judge_kappa,
        people_ac2=people_ac2,
        judge_ac2=judge_ac2,
        people_alpha=people_alpha,
        judge_alpha=judge_alpha,
    )


def _difference(
    judge: Agreeing, people: Agreeing, category: Mapping[str, str], level: float, resamples: int
) -> Measured:
    shared = judge.items.keys() & people.items.keys()
    return measured(difference(judge, people, category, level, resamples) if shared else None, of=len(shared))


def _item(vote: HumanVote) -> Item:
    """Models are told apart by language and sample too."""
    low, high = sorted((vote.first, vote.second or ""))
    behind = f" {vote.language} {vote.sample}"
    return vote.id, vote.turn, low + behind, high + behind


def _said(vote: HumanVote) -> float:
    if vote.outcome is None or vote.second is None:
        return float(vote.score or 0)
    return _ordered(vote.outcome, vote.first, vote.second)


def _ordered(outcome: str, first: str, second: str) -> float:
    """Who won, in the order of the names; ties of all kinds are one."""
    if outcome not in ("first", "second"):
        return TIE
    return FIRST if (outcome == "first") == (first < second) else SECOND


def _larger(one: float, other: float) -> float:
    return FIRST if one > other else SECOND if other > one else TIE
