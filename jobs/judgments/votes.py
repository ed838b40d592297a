"""Agreement of votes as FastChat's compute_agreement counts it, with what is corrected for chance beside it."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import combinations, permutations, product

from jobs.judgments.figures import NOTHING, counted, figure
from jobs.lib.stats.agreement import THREE, Coefficient, Ratings, agreement
from jobs.lib.stats.clusters import Clusters
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.votes import Item, Vote, between_views, pairs_table, views_table, within_views
from polyglot.exchange.summary import Figure, VoteAgreement

PEOPLE = "human"
# MT-Bench's own names for its people, and what FastChat counts them as
_GROUPS = (("expert*", PEOPLE), ("author*", "author"))
_VALUES = {True: (THREE["A"], THREE["tie"], THREE["B"]), False: (THREE["A"], THREE["B"])}
_Views = dict[Item, list[float]]


def group_of(judge: str, people: Sequence[str]) -> str:
    """What a voter is counted as: "human" where a pattern fits, or without patterns FastChat's groups; else itself."""
    groups = [(pattern, PEOPLE) for pattern in people] or _GROUPS
    return next((name for pattern, name in groups if fnmatchcase(judge, pattern)), judge)


def vote_agreement(votes: Sequence[Vote], people: Sequence[str], resamples: int) -> Iterator[VoteAgreement]:
    """Every two groups that voted on the same, and the members of each among themselves; by turn, with and without
    ties.
    """
    grouped = [(group_of(vote.judge, people), vote) for vote in votes]
    members: dict[str, set[str]] = {}
    for name, vote in grouped:
        members.setdefault(name, set()).add(vote.judge)
    whole = {name: [vote for group, vote in grouped if group == name] for name in members}
    among = [(name, name) for name, found in members.items() if len(found) > 1]
    for one, other in (*combinations(members, 2), *among):
        turns = sorted({vote.turn for vote in whole[one]} & {vote.turn for vote in whole[other]})
        for turn in (*turns, None) if len(turns) > 1 else turns:
            for ties in (True, False):
                views = _views(whole[one], turn, ties=ties), _views(whole[other], turn, ties=ties)
                agreeing = within_views(views[0]) if one == other else between_views(*views)
                if not agreeing.items:
                    continue
                kappa, ordinal, nominal = _corrected(*views, _VALUES[ties], resamples, own=one == other)
                yield VoteAgreement(
                    first=one,
                    second=other,
                    turn=turn,
                    ties=ties,
                    items=len(agreeing.items),
                    agree=counted(agreeing.share()),
                    kappa=kappa,
                    alpha_ordinal=ordinal,
                    alpha_nominal=nominal,
                )


def _views(votes: Sequence[Vote], turn: int | None, *, ties: bool) -> _Views:
    """Who won of an item's two models, in the order of their names."""
    found: _Views = {}
    for vote in votes:
        if turn in (None, vote.turn) and (ties or vote.won):
            name = "tie" if not vote.won else "A" if vote.won == vote.item[2] else "B"
            found.setdefault(vote.item, []).append(THREE[name])
    return found


def _corrected(
    ours: _Views, theirs: _Views, values: tuple[float, ...], resamples: int, *, own: bool
) -> tuple[Figure, Figure, Figure]:
    """Kappa, ordinal and nominal alpha. Of people among themselves alpha takes all views of an item together."""
    sides = ours if own else {item: views for item, views in ours.items() if item in theirs}
    beside = pairs_table(
        {item: permutations(views, 2) if own else product(views, theirs[item]) for item, views in sides.items()}
    )
    kappa = _figures(*beside, values, ("kappa",), resamples)
    alphas = _figures(*(views_table(ours) if own else beside), values, ("alpha ordinal", "alpha nominal"), resamples)
    return kappa[0], alphas[0], alphas[1]


def _figures(
    items: Sequence[Item], table: Floats, values: tuple[float, ...], names: Sequence[Coefficient], resamples: int
) -> list[Figure]:
    if not items:
        return [NOTHING for _ in names]
    ratings = Ratings(clusters=Clusters.by([item[0] for item in items]), table=table, values=values)
    found = agreement(ratings, names, resamples=resamples)
    return [figure(found[name]) for name in names]
