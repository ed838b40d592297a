"""What each family of contrasts asks, in words."""

from collections.abc import Iterable
from typing import NamedTuple

from jobs.report.groups import Group
from polyglot.kinds.aggregate import ContrastResult, Family


class Question(NamedTuple):
    """How a family is headed, and what it compares."""

    heading: str
    asks: str


QUESTIONS = {
    Family.PARALLEL_MEAN.compares: Question(
        "Several languages against one",
        "A parallel mix against the monolingual mixes of its own languages: their mean, the best and the worst. "
        "Which one is best is decided anew in every resample.",
    ),
    Family.PARALLEL_SAMPLED.compares: Question(
        "More rows, same languages",
        "All rows in every language against one monolingual set's number of rows, in the same languages.",
    ),
    Family.SAMPLED_MEAN.compares: Question(
        "Same number of rows, several languages against one",
        "A sampled mix against the mean of the monolingual mixes of its languages.",
    ),
    Family.LEFT_OUT.compares: Question(
        "The language left out",
        "A mix that lacks one language, on that language, against the mean of the monolingual mixes of its own.",
    ),
    Family.WHOLE_PART.compares: Question(
        "With one language more",
        "A mix against the one that lacks one of its languages, measured on the languages that both have.",
    ),
    Family.REFERENCES.compares: Question(
        "Native references against published ones",
        "The same answers judged twice: against references that a model wrote in each language, and against those that "
        "the benchmark publishes. What differs is what broken or translated references do to scores.",
    ),
    Family.SIZE.compares: Question(
        "More instructions", "A mix at one size against the next smaller one, on its own languages."
    ),
    Family.CUSTOM.compares: Question("Custom", ""),
}


def question_of(compares: str) -> Question:
    """What the families ask that compare this."""
    return QUESTIONS[compares]


def by_question(contrasts: Iterable[ContrastResult]) -> dict[tuple[Group, str], list[ContrastResult]]:
    """Contrasts by model and data set and by what they compare, in their order."""
    grouped: dict[tuple[Group, str], list[ContrastResult]] = {}
    for contrast in contrasts:
        grouped.setdefault((contrast.trained_on, contrast.family.compares), []).append(contrast)
    return grouped
