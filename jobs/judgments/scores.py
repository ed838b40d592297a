"""Single grading: means as FastChat's show_result prints them, and how far two judges agree on the same answers."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import numpy as np

from jobs.judgments.figures import NOTHING, counted, figure, mean
from jobs.lib.judging.verdict import HIGHEST, LOWEST
from jobs.lib.stats.agreement import Coefficient, Ratings, agreement
from jobs.lib.stats.clusters import Clusters, share
from jobs.lib.stats.grid import Floats
from polyglot.exchange.read import ReadFile
from polyglot.exchange.rows import Exchanged, SingleJudgment, name_of
from polyglot.exchange.summary import ScoreAgreement, ScoreRow

MOST_VALUES = 50  # scores of more kinds are no ordinal scale
_Rating = tuple[str, str, int, int]  # question, model, turn, sample


def scores_in(found: ReadFile[Exchanged], resamples: int) -> Iterator[ScoreRow]:
    """A row for each judge, model and turn, one for all turns, and the same of all models ("")."""
    rows = [one.row for one in found.rows if isinstance(one.row, SingleJudgment)]
    again = [one.identity for one in found.repeats] if rows else []
    for judge in dict.fromkeys(name_of(row.judge) for row in rows):
        own = [row for row in rows if name_of(row.judge) == judge]
        for model in ("", *dict.fromkeys(row.model for row in own)):
            mine = [row for row in own if model in ("", row.model)]
            repeats = [one for one in again if one[0] == judge and model in ("", one[3])]
            turns = sorted({row.turn for row in own})
            for turn in (None, *turns):
                chosen = [row for row in mine if turn in (None, row.turn)]
                scored = [(str(row.question_id), row.score) for row in chosen if not row.failure]
                values = [float(score) for _, score in scored if score is not None]
                yield ScoreRow(
                    file=found.name,
                    judge=judge,
                    model=model,
                    turn=turn,
                    scores=len(values),
                    failed=len(chosen) - len(values),
                    repeats=sum(turn in (None, one[2]) for one in repeats),
                    mean=mean([question for question, _ in scored], values, LOWEST, HIGHEST, resamples),
                )


def score_agreement(rows: Iterable[SingleJudgment], resamples: int) -> Iterator[ScoreAgreement]:
    """Every two judges that scored the same answers; of what is there twice the last one counts."""
    judges: dict[str, dict[_Rating, float]] = {}
    for row in rows:
        own = judges.setdefault(name_of(row.judge), {})
        if not row.failure and row.score is not None:
            own[str(row.question_id), row.model, row.turn, row.sample] = float(row.score)
    for one, other in combinations(judges, 2):
        shared = [place for place in judges[one] if place in judges[other]]
        if shared:
            table = np.array([[judges[judge][place] for place in shared] for judge in (one, other)])
            yield _beside(one, other, [place[0] for place in shared], table, resamples)


def _beside(one: str, other: str, questions: Sequence[str], table: Floats, resamples: int) -> ScoreAgreement:
    clusters, values = Clusters.by(questions), tuple(np.unique(table).tolist())
    names: tuple[Coefficient, ...] = ("kappa quadratic", "alpha interval")
    known = 1 < len(values) <= MOST_VALUES
    ratings = Ratings(clusters=clusters, table=table, values=values) if known else None
    found = {} if ratings is None else agreement(ratings, names, resamples=resamples)
    kappa, alpha = (figure(found[name]) if name in found else NOTHING for name in names)
    width = float(HIGHEST - LOWEST)
    return ScoreAgreement(
        first=one,
        second=other,
        items=len(questions),
        first_mean=float(table[0].mean()),
        second_mean=float(table[1].mean()),
        difference=mean(questions, (table[1] - table[0]).tolist(), -width, width, resamples),
        equal=counted(share(clusters, table[0] == table[1])),
        kappa_quadratic=kappa,
        alpha_interval=alpha,
    )
