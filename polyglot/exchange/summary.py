"""What files of judgments say, counted: what FastChat's show_result and compute_agreement print, with limits.

Counts are FastChat's: every row counts, what is there twice too, and what failed counts nowhere. `turn` is 0 for whole
conversations, and None where all turns are together.
"""

from polyglot.core.records import Record
from polyglot.exchange.read import Form


class Figure(Record):
    """A figure with its 95 % limits over questions. None: it is not defined."""

    value: float | None
    low: float | None
    high: float | None


class Counted(Record):
    """A share: `hits` (halves are ties) of `of`."""

    hits: float
    of: int
    share: Figure


class SummaryFile(Record):
    """One file, as it was read; `told` has a line for each row that is there twice or failed."""

    name: str
    form: Form
    rows: int
    repeats: int
    failures: int
    told: tuple[str, ...]


class ScoreRow(Record):
    """One judge's scores of one model in one file; `model` "" is all of them."""

    file: str
    judge: str
    model: str
    turn: int | None
    scores: int
    failed: int
    repeats: int
    mean: Figure


class PairRow(Record):
    """One judge's verdicts on pairs with one model in one file. Orders that contradict each other are ties."""

    file: str
    judge: str
    model: str
    wins: int
    losses: int
    ties: int
    failed: int  # without a verdict, in one order at least
    repeats: int
    rate: Counted  # a win 1, a tie 1/2: FastChat's win_rate_adjusted


class OrderRow(Record):
    """One judge of pairs in one file."""

    file: str
    judge: str
    pairs: int
    failed: int  # verdicts; where orders are told a pair has two
    repeats: int
    inconsistent: Counted | None  # of the pairs with both verdicts; None: the file tells no orders
    first: Counted | None  # of the verdicts that name a winner: those for the answer that stood first


class ModelStrength(Record):
    """One model: log-odds of a win over what is the mean of all that are compared with each other.

    A value of None with one limit is beyond that: the model never lost, or never won.
    """

    model: str
    strength: Figure
    letters: str  # of its tie groups: models that are not told apart share one; "": not ranked
    games: int
    failed: int


class ModelGap(Record):
    """The strength of one model less that of another, which stands below it."""

    first: str
    second: str
    gap: Figure
    apart: bool  # whether they are told apart, all gaps at once


class StrengthTable(Record):
    """One judge's models in one file, by Bradley and Terry with Davidson's ties, best first."""

    file: str
    judge: str
    ties: bool  # whether they count, or are left out
    first_slot: Figure | None  # log-odds of the answer that stood first; None: the file tells no orders
    models: tuple[ModelStrength, ...]
    gaps: tuple[ModelGap, ...]


class VoteAgreement(Record):
    """Two judges (or people among themselves) on the same question, turn and two models, over pairs of votes."""

    first: str
    second: str
    turn: int | None
    ties: bool  # whether ties count, as one kind (setup S1), or are left out on both sides (S2)
    items: int
    agree: Counted
    kappa: Figure  # Cohen's
    alpha_ordinal: Figure  # Krippendorff's
    alpha_nominal: Figure


class ScoreAgreement(Record):
    """Two judges' scores of the same answers."""

    first: str
    second: str
    items: int
    first_mean: float
    second_mean: float
    difference: Figure  # the second judge's less the first one's
    equal: Counted
    kappa_quadratic: Figure
    alpha_interval: Figure


class Summary(Record):
    """All of it; `told` are sentences on all files together."""

    level: float
    files: tuple[SummaryFile, ...]
    scores: tuple[ScoreRow, ...]
    pairs: tuple[PairRow, ...]
    orders: tuple[OrderRow, ...]
    strengths: tuple[StrengthTable, ...]
    votes: tuple[VoteAgreement, ...]
    score_agreement: tuple[ScoreAgreement, ...]
    told: tuple[str, ...]
