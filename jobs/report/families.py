"""What each family of contrasts asks, in words."""

from collections.abc import Iterable
from typing import NamedTuple

from jobs.report.groups import Common
from polyglot.kinds.aggregate import ContrastResult
from polyglot.kinds.cells import Family


class Wording(NamedTuple):
    """How families are headed that compare the same, and what they ask."""

    heading: str
    asks: str


WORDINGS = {
    Family.PRIMARY.compares: Wording(
        "The primary contrast",
        "What the study is about, said beforehand. It is tested by itself; all others are adjusted for their number.",
    ),
    Family.PARALLEL_MEAN.compares: Wording(
        "Several languages against one",
        "A parallel mix against the monolingual mixes of its own languages: their mean, the best and the worst. "
        "Which one is best is decided anew in every resample.",
    ),
    Family.PARALLEL_SAMPLED.compares: Wording(
        "More rows, same languages",
        "All rows in every language against one monolingual set's number of rows, in the same languages.",
    ),
    Family.SAMPLED_MEAN.compares: Wording(
        "Same number of rows, several languages against one",
        "A sampled mix against the mean of the monolingual mixes of its languages.",
    ),
    Family.LEFT_OUT.compares: Wording(
        "The language left out",
        "A mix that lacks one language, on that language, against the mean of the monolingual mixes of its own.",
    ),
    Family.WHOLE_PART.compares: Wording(
        "With one language more",
        "A mix against the one that lacks one of its languages, measured on the languages that both have.",
    ),
    Family.REFERENCES.compares: Wording(
        "Native references against published ones",
        "The same answers judged twice: against references that a model wrote in each language, and against those that "
        "the benchmark publishes. What differs is what broken or translated references do to scores.",
    ),
    Family.PROMPTS.compares: Wording(
        "English judge prompts against each language's own",
        "The same answers judged twice: by the English prompts, and by those of the answer's language. What differs is "
        "what the language of the rubric does to scores.",
    ),
    Family.JUDGES.compares: Wording(
        "Another judge",
        "The same answers judged twice: by somebody of the panel, and by the study's judge. What differs is how much "
        "they give.",
    ),
    Family.PANEL.compares: Wording(
        "By all judges of the panel",
        "The study's contrasts once more, by the mean of all judges' scores: what holds here is not one judge's taste.",
    ),
    Family.BASELINE.compares: Wording(
        "Against models that are not tuned here", "A mix against a baseline, over all languages."
    ),
    Family.UNTUNED.compares: Wording(
        "What tuning does at all", "A mix against the base model as it came, over all languages."
    ),
    Family.MODELS.compares: Wording(
        "Another base model", "The same mix of the same data in two models, over all languages."
    ),
    Family.DATASETS.compares: Wording(
        "Other data, the same number of ids",
        "The same mix with equally many ids of two data sets: what differs is what the instructions are like.",
    ),
    Family.WHOLE_DATASETS.compares: Wording(
        "Other data, each whole",
        "The same mix with every id of two data sets: what differs is what the instructions are like, and how many.",
    ),
    Family.ENGINES.compares: Wording(
        "Another engine of translation",
        "The same mix of the same data, translated by two engines, or translated and as it came. Mixes without a "
        "translated language are left out.",
    ),
    Family.SIZE.compares: Wording(
        "More instructions", "A mix at one size against the next smaller one, on its own languages."
    ),
    Family.CUSTOM.compares: Wording("Custom", ""),
}


def by_what_they_compare(contrasts: Iterable[ContrastResult]) -> dict[tuple[Common, str], list[ContrastResult]]:
    """Contrasts by model and data set and by what they compare, in their order."""
    grouped: dict[tuple[Common, str], list[ContrastResult]] = {}
    for contrast in contrasts:
        grouped.setdefault((contrast.trained_on, contrast.family.compares), []).append(contrast)
    return grouped
