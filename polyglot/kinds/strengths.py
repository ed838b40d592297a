"""Strengths of arms whose answers were judged in pairs: how they are written."""

from typing import Literal

from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.measured import Measured

Unranked = Literal["failures", "not-comparable"]


class ArmStrength(Record):
    """One arm. A value of None with one limit: it is beyond that, as the arm never lost (or never won)."""

    arm: ArmKey
    strength: Measured  # log-odds of a win over what stands for zero; of so many items
    equal_lengths: Measured  # the same, were all answers equally long
    letters: str  # of its tie groups; "": not ranked
    items: int  # a question, its turn, and another arm
    unscored: int  # those without a verdict
    seeds: int
    score: float | None  # its mean score of single grading
    unranked: Unranked | UnsetType = UNSET  # why not: too many items without a verdict, or nothing to compare it by


class ArmGap(Record):
    """The strength of one arm less that of another, which stands below it in the table."""

    first: ArmKey
    second: ArmKey
    gap: Measured
    joint_low: float | None  # limits that hold beside those of all other gaps of the table
    joint_high: float | None
    apart: bool  # whether they leave out zero
    equal_lengths: Measured
    score_difference: float | None


class ScoreAgreement(Record):
    """Pairs of arms: whether the one with the greater strength has the higher mean score, too."""

    pairs: int
    same: int
    opposite: int
    tau: float | None  # Kendall's tau-b
    apart_same: int  # of the pairs that strengths tell apart
    apart_opposite: int


class StrengthTable(Record):
    """Arms that met, in one language or in all of them ("all", the mean), best first."""

    language: str
    zero: tuple[ArmKey, ...]  # whose mean strength is 0
    first_slot: Measured  # log-odds of the answer that stood first, of two that are equally good
    per_doubling: Measured  # log-odds that go with an answer of twice the length
    arms: tuple[ArmStrength, ...]
    gaps: tuple[ArmGap, ...]
    scores: ScoreAgreement
    most_unscored: float  # share of an arm's items; beyond it the arm is not ranked
    judge: str | UnsetType = UNSET  # who judged, where that was not done here
