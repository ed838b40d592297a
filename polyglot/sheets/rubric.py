"""What raters mark: categories and severities of MQM, Multidimensional Quality Metrics, with its usual penalties.

Penalties are those of MQM's scoring models (neutral 0, minor 1, major 5, critical 25), summed over a turn and not
divided by its length: turns of a sheet are compared with themselves in other translations.
"""

from collections.abc import Mapping

CATEGORIES: Mapping[str, str] = {
    "accuracy": "Meaning is wrong, left out, added, or still in the source language.",
    "fluency": "Grammar, spelling, punctuation, or a text that does not hang together.",
    "terminology": "A wrong term, or several for one thing.",
    "style": "Clumsy or in the wrong register, though right.",
    "locale": "Dates, numbers, units or forms of address of another country.",
    "markup": "Code, links, placeholders, lists or formatting are damaged.",
    "other": "Anything else; say it in the comment.",
}
SEVERITIES: Mapping[str, tuple[float, str]] = {
    "neutral": (0, "worth a note, no fault"),
    "minor": (1, "noticed, and understood all the same"),
    "major": (5, "hinders, or misleads in a point"),
    "critical": (25, "unusable, or says the opposite"),
}
FIELDS = ("sheet", "item", "rater", "done", "score", *CATEGORIES, "comment", "languages", "source", "translation")
FORMAT = 1


def penalty(faults: Mapping[str, tuple[str, ...]]) -> float:
    """The sum of a turn's penalties."""
    return sum(SEVERITIES[severity][0] for severities in faults.values() for severity in severities)
