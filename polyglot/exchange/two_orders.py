"""Judgments with everything of one question in a row, as korean-mt-bench has them, as rows of FastChat's forms.

A pair has `winner_ab` and `winner_ba`, which name a *place*: "A" is the answer that stood first, so that "A" of the
second order is `model_b`. A rating has `score_turn1` and `score_turn2`. A pair is of a whole conversation: turn 0.
"""

from collections.abc import Iterator
from typing import Literal

from polyglot.core.records import Record
from polyglot.exchange.rows import TURNED, PairJudgment, SingleJudgment, Winner

Place = Literal["A", "B", "tie", "error"]
_FIRST: dict[Place, Winner] = {"A": "model_1", "B": "model_2", "tie": "tie", "error": "error"}


class TwoOrders(Record):
    """A pair in both orders."""

    question_id: int | str
    model_a: str
    model_b: str
    judge_id: str
    winner_ab: Place
    winner_ba: Place
    judgment_ab: str = ""
    judgment_ba: str = ""
    tstamp: float = 0.0

    def rows(self) -> Iterator[PairJudgment]:
        """The one comparison that it is."""
        yield PairJudgment(
            question_id=self.question_id,
            model_1=self.model_a,
            model_2=self.model_b,
            g1_winner=_FIRST[self.winner_ab],
            g2_winner=TURNED[_FIRST[self.winner_ba]],
            judge=self.judge_id,
            turn=0,
            g1_judgment=self.judgment_ab,
            g2_judgment=self.judgment_ba,
            tstamp=self.tstamp,
        )


class TwoTurns(Record):
    """Ratings of both turns of an answer."""

    question_id: int | str
    model_id: str
    judge_id: str
    score_turn1: float | None
    score_turn2: float | None
    judgment_turn1: str = ""
    judgment_turn2: str = ""
    tstamp: float = 0.0

    def rows(self) -> Iterator[SingleJudgment]:
        """A rating a turn."""
        scores, texts = (self.score_turn1, self.score_turn2), (self.judgment_turn1, self.judgment_turn2)
        for turn, (score, text) in enumerate(zip(scores, texts, strict=True), 1):
            yield SingleJudgment(
                question_id=self.question_id,
                model=self.model_id,
                judge=self.judge_id,
                score=score,
                turn=turn,
                judgment=text,
                tstamp=self.tstamp,
            )
