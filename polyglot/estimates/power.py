"""What a study could show, before it runs: the smallest true differences that its contrasts would find.

Two arms are compared on the same questions, each the mean of S seeds. With SD s between the seeds of an arm, and SD d
of the difference between two arms over Q questions (each question's mean over languages, turns and seeds), the standard
errors are d / sqrt Q by questions and s sqrt(2 / S) by seeds, joined as in the report (docs/statistics.md). How much
seeds vary is known from all arms of one model, data set and size where these two are such arms, else from theirs alone.
Against the mean of several mixes a little less is found.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from polyglot.core.detectable import LEAST_ARMS, Precision, SeedError
from polyglot.core.student import student_quantile
from polyglot.kinds.cells import Cell, Contrast

LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is expected of a study: sizes, and standard deviations in points of the mean score."""

    questions: int
    categories: int
    seeds: int
    seed_sd: float
    question_sd: float

    def detectable(self, level: float = LEVEL, arms: int = 2) -> float:
        """The smallest true difference of two of so many arms alike that is found four times in five at a level."""
        questions = self.question_sd / sqrt(self.questions)
        freedom = max(1, self.questions - self.categories)
        own, borrows = self.seeds - 1, arms >= LEAST_ARMS
        error = SeedError(self.seed_sd * sqrt(2 / self.seeds), own * (arms - 1 if borrows else 1))
        return Precision(
            reach=student_quantile((1 + level) / 2, freedom) * questions,
            questions=questions,
            kept=1.0,
            seeds=(error,) if own else (),
            alone=own if borrows else 0,
        ).detectable(level)


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPower:
    """One family of a study, or its primary contrast: what one contrast finds by itself, and the first by Holm."""

    name: str
    contrasts: int
    alone: float
    adjusted: float


def power(contrasts: Iterable[Contrast], cells: Iterable[Cell], expected: Expected) -> list[FamilyPower]:
    """A row for the primary contrast and for each family of the others, in their order.

    `cells` are those of the study; in a family that contrast counts whose arms have fewest beside them. One against the
    best or the worst of several knows no more of seeds than its own say.
    """
    peers = {cell.arm_key: cell.peers for cell in cells}
    arms = Counter(peers.values())
    families: dict[str, list[int]] = {}
    for row in contrasts:
        name = f"primary: {row.name}" if row.primary else row.family.compares
        alike = {peers.get(key) for key in (*row.treatment, *row.control)}
        alone = len(alike) > 1 or None in alike or row.family.choice in ("best", "worst")
        families.setdefault(name, []).append(2 if alone else arms[alike.pop()])
    return [
        FamilyPower(
            name=name,
            contrasts=len(found),
            alone=expected.detectable(arms=min(found)),
            adjusted=expected.detectable(1 - (1 - LEVEL) / len(found), min(found)),
        )
        for name, found in families.items()
    ]
