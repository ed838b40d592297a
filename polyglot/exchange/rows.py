"""What a line of each form is. Each class says what identifies its row, whether it failed, and what is wrong with it.

A failure (score -1, winner "error", preference null) is a row with a reason: it is counted, and averaged nowhere.
"""

from typing import Literal

from polyglot.core.records import UNSET, Record, UnsetType

ERROR_TEXT = "$ERROR$"  # FastChat's text of a turn that a model's endpoint did not answer
FAILED_SCORE = -1
DRAW = 1.5  # AlpacaEval's preference for neither
Judge = str | tuple[str, ...]  # its name, or [name, name of the prompt]
Winner = Literal["model_1", "model_2", "tie", "error"]
TURNED: dict[Winner, Winner] = {"model_1": "model_2", "model_2": "model_1", "tie": "tie", "error": "error"}
# What a judge said in the game that shows model_1 as A
SAID: dict[Winner, Literal["A", "B", "tie"] | None] = {"model_1": "A", "model_2": "B", "tie": "tie", "error": None}


def name_of(judge: Judge) -> str:
    """Who judged, whatever the prompt."""
    return judge if isinstance(judge, str) else judge[0] if judge else ""


class Exchanged(Record):
    """Base of all rows. `stage` is the key of the stage that made it, where that was one of ours."""

    stage: str | UnsetType = UNSET

    @property
    def identity(self) -> tuple[object, ...]:
        """What no two rows of a file should share."""
        raise NotImplementedError

    @property
    def says(self) -> object:
        """The result, by which two rows of one identity are equal or contradict each other."""
        raise NotImplementedError

    @property
    def failure(self) -> str:
        """Why there is no result; "" where there is one."""
        return ""

    @property
    def problem(self) -> str:
        """What is wrong with the row, beyond the types of its fields; "" for nothing."""
        return ""


class Choice(Record):
    """One sample of a model's answers: a text a turn."""

    index: int
    turns: tuple[str, ...]


class QuestionRow(Record):
    """`question.jsonl`."""

    question_id: int | str
    category: str
    turns: tuple[str, ...]


class ModelAnswer(Exchanged, kw_only=True):
    """`model_answer/<model>.jsonl`, and `reference_answer/<judge>.jsonl`."""

    question_id: int | str
    model_id: str
    choices: tuple[Choice, ...]
    answer_id: str = ""
    tstamp: float = 0.0  # seconds since 1970

    @property
    def identity(self) -> tuple[object, ...]:
        """An answer a question and model."""
        return (str(self.question_id), self.model_id)

    @property
    def says(self) -> object:
        """The texts."""
        return self.choices

    @property
    def failure(self) -> str:
        """No turn that says anything but that it failed."""
        said = [turn for choice in self.choices for turn in choice.turns if turn != ERROR_TEXT]
        return "" if said else "no answer"

    @property
    def problem(self) -> str:
        """A sample that is there twice."""
        indices = [choice.index for choice in self.choices]
        return "two choices have one index" if len(set(indices)) < len(indices) else ""


class SingleJudgment(Exchanged, kw_only=True):
    """`model_judgment/<judge>_single.jsonl`: a rating of one turn of an answer; `turn` 0 is a whole conversation."""

    question_id: int | str
    model: str
    judge: Judge
    score: float | None
    turn: int
    user_prompt: str = ""
    judgment: str = ""
    tstamp: float = 0.0
    choice: int | UnsetType = UNSET  # of answers that were sampled several times, all but the first

    @property
    def sample(self) -> int:
        """Which of the model's answers is rated."""
        return 0 if self.choice is UNSET else self.choice

    @property
    def identity(self) -> tuple[object, ...]:
        """A rating a judge, question, turn and answer."""
        return (name_of(self.judge), str(self.question_id), self.turn, self.model, self.sample)

    @property
    def says(self) -> object:
        """The score; all failures are alike."""
        return None if self.failure else self.score

    @property
    def failure(self) -> str:
        """No score."""
        return "no score" if self.score is None or self.score == FAILED_SCORE else ""

    @property
    def problem(self) -> str:
        """A turn or a score that is none."""
        if self.turn < 0:
            return f"turn: got {self.turn}, expected 1 or more"
        if not self.failure and (self.score or 0.0) < 0:
            return f"score: got {self.score:g}, expected a rating, or {FAILED_SCORE} for none"
        return ""


class PairJudgment(Exchanged, kw_only=True):
    """`model_judgment/<judge>_pair.jsonl`: one turn of two answers, judged with either first.

    Winners are named by model, whichever answer stood first: `g1` has the first model's answer first.
    """

    question_id: int | str
    model_1: str
    model_2: str
    g1_winner: Winner
    g2_winner: Winner
    judge: Judge
    turn: int
    g1_user_prompt: str = ""
    g1_judgment: str = ""
    g2_user_prompt: str = ""
    g2_judgment: str = ""
    tstamp: float = 0.0
    choice: int | UnsetType = UNSET

    @property
    def identity(self) -> tuple[object, ...]:
        """A comparison a judge, question, turn and pair, whoever is named first."""
        pair = tuple(sorted((self.model_1, self.model_2)))
        return (
            name_of(self.judge),
            str(self.question_id),
            self.turn,
            *pair,
            self.sample,
        )

    @property
    def says(self) -> object:
        """Who won in each order, by name."""
        names = {"model_1": self.model_1, "model_2": self.model_2}
        orders = ((self.model_1, self.g1_winner), (self.model_2, self.g2_winner))
        return frozenset((first, names.get(winner, winner)) for first, winner in orders)

    @property
    def failure(self) -> str:
        """An order without a verdict."""
        orders = [name for name in ("g1", "g2") if getattr(self, f"{name}_winner") == "error"]
        return f"no verdict in {' and '.join(orders)}" if orders else ""

    @property
    def problem(self) -> str:
        """A turn that is none, or a model against itself."""
        if self.turn < 0:
            return f"turn: got {self.turn}, expected 1 or more"
        return f"{self.model_1} is compared with itself" if self.model_1 == self.model_2 else ""

    @property
    def judge_name(self) -> str:
        """Who judged."""
        return name_of(self.judge)

    @property
    def sample(self) -> int:
        """Which of the models' answers are compared."""
        return 0 if self.choice is UNSET else self.choice

    @property
    def inconsistent(self) -> bool:
        """Whether both orders have a verdict, and not the same."""
        return not self.failure and self.g1_winner != self.g2_winner

    @property
    def winner(self) -> Winner:
        """By FastChat's rule: orders that contradict each other are a tie."""
        if self.failure:
            return "error"
        return "tie" if self.inconsistent else self.g1_winner


class Vote(Exchanged, kw_only=True):
    """A vote of somebody on two answers. Any winner whose word has "tie" in it is a tie."""

    judge: Judge
    model_a: str
    model_b: str
    question_id: int | str
    turn: int
    winner: str

    @property
    def identity(self) -> tuple[object, ...]:
        """A vote a judge, question, turn and pair, whoever is named first."""
        return (name_of(self.judge), str(self.question_id), self.turn, *sorted((self.model_a, self.model_b)))

    @property
    def says(self) -> object:
        """Who won, by name."""
        return {"model_a": self.model_a, "model_b": self.model_b}.get(self.winner, self.winner)

    @property
    def failure(self) -> str:
        """No vote."""
        return "no vote" if self.winner == "error" else ""

    @property
    def problem(self) -> str:
        """A winner that is nobody, or a model against itself."""
        if self.winner not in ("model_a", "model_b", "error") and "tie" not in self.winner:
            return f"winner: got {self.winner[:40]!r}, expected model_a, model_b, tie or error"
        return f"{self.model_a} is compared with itself" if self.model_a == self.model_b else ""


class Annotation(Exchanged, kw_only=True):
    """`annotations.json` of AlpacaEval. `preference` is 1 for the first output, 2 for the second, 0 and 1.5 for a draw,
    and anything between 1 and 2 where an annotator weighs; null failed.
    """

    instruction: str
    output_1: str
    output_2: str
    generator_1: str
    generator_2: str
    annotator: str
    preference: float | None
    turn: int | UnsetType = UNSET  # of answers that have several

    @property
    def model_1(self) -> str:
        """Whose output is the first."""
        return self.generator_1

    @property
    def model_2(self) -> str:
        """Whose is the second."""
        return self.generator_2

    @property
    def judge_name(self) -> str:
        """Who judged."""
        return self.annotator

    @property
    def winner(self) -> Winner:
        """The output that is preferred, however little."""
        if self.preference is None:
            return "error"
        if self.preference in (0, DRAW):
            return "tie"
        return "model_1" if self.preference < DRAW else "model_2"

    @property
    def identity(self) -> tuple[object, ...]:
        """A preference an annotator, instruction and pair."""
        turn = 0 if self.turn is UNSET else self.turn
        return (
            self.annotator,
            self.instruction,
            turn,
            *sorted(((self.generator_1, self.output_1), (self.generator_2, self.output_2))),
        )

    @property
    def says(self) -> object:
        """The preference."""
        return self.preference

    @property
    def failure(self) -> str:
        """No preference."""
        return "no preference" if self.preference is None else ""

    @property
    def problem(self) -> str:
        """A preference that is for neither."""
        value = self.preference
        if value is None or value == 0 or 1 <= value <= 2:
            return ""
        return f"preference: got {value:g}, expected 1 to 2, or null"
