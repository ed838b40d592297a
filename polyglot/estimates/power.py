"""What a study could show, before it runs: the smallest true differences that its contrasts would find.

Two arms are compared on the same questions, each the mean of S seeds. With SD s between the seeds of an arm, and SD d
of the difference between two arms over Q questions (each question's mean over languages, turns and seeds), the standard
errors are d / sqrt Q by questions and s sqrt(2 / S) by seeds, joined as in the report (docs/statistics.md). Against the
mean of several mixes a little less is found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from polyglot.core.detectable import Precision
from polyglot.core.student import student_quantile
from polyglot.kinds.cells import Contrast

LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is expected of a study: sizes, and standard deviations in points of the mean score."""

    questions: int
    categories: int
    seeds: int
    seed_sd: float
    question_sd: float

    def detectable(self, level: float = LEVEL) -> float:
        """The smallest true difference of two arms that is found four times in five at a level."""
        questions = self.question_sd / sqrt(self.questions)
        freedom = max(1, self.questions - self.categories)
        return Precision(
            reach=student_quantile((1 + level) / 2, freedom) * questions,
            questions=questions,
            kept=1.0,
            seeds=self.seeds,
            seeds_error=self.seed_sd * sqrt(2 / self.seeds),
        ).detectable(level)


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPower:
    """One family of a study, or its primary contrast: what one contrast finds by itself, and the first by Holm."""

    name: str
    contrasts: int
    alone: float
    adjusted: float


def power(contrasts: Iterable[Contrast], expected: Expected) -> list[FamilyPower]:
    """A row for the primary contrast and for each family of the others, in their order."""
    families: dict[str, int] = {}
    for row in contrasts:
        name = f"primary: {row.name}" if row.primary else row.family.compares
        families[name] = families.get(name, 0) + 1
    return [
        FamilyPower(
            name=name,
            contrasts=size,
            alone=expected.detectable(),
            adjusted=expected.detectable(1 - (1 - LEVEL) / size),
        )
        for name, size in families.items()
    ]
