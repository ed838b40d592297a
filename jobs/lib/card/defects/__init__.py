"""Defects that code can find in texts, each with its counting rule.

A detector looks at one turn, and at the same turn of the same id in the pivot language (None when there is none, and
in the pivot itself), and returns how many findings it has and out of how many. Its docstring is the rule, word for
word as the card shows it. To add a detector, write the function and a line in `DETECTORS`, in `CODE_DETECTORS` where it
is about fenced code alone, or in `LANGUAGE_DETECTORS` where it is of one language.
"""

import inspect
from collections.abc import Callable, Mapping

from jobs.lib.card.defects import code, language, noise, translation
from jobs.lib.text.texts import Text

Detector = Callable[[Text, Text | None], tuple[int, int]]

CODE_DETECTORS: Mapping[str, Detector] = {  # which find nothing of nothing where neither text can have a fence
    "broken-fences": code.broken_fences,
    "python-unparsed": code.python_unparsed,
    "code-differs": code.code_differs,
    "identifiers-translated": code.identifiers_translated,
    "comments-untranslated": code.comments_untranslated,
    "code-only": noise.code_only,
}
DETECTORS: Mapping[str, Detector] = {
    "untranslated": translation.untranslated,
    "partly-untranslated": noise.partly_untranslated,
    "numbers-differ": noise.numbers_differ,
    "very-short": noise.very_short,
    "announces-more": noise.announces_more,
    "cross-references": noise.cross_references,
    "layout-tables": noise.layout_tables,
    "reserved-hosts": noise.reserved_hosts,
}
LANGUAGE_DETECTORS: Mapping[str, Mapping[str, Detector]] = {"FR": {"french-spacing": noise.french_spacing}}
INSTRUCTION_DETECTORS: Mapping[str, Detector] = {"untranslated-title": translation.untranslated_title}
EVERY_DETECTOR: Mapping[str, Detector] = {
    **CODE_DETECTORS,
    **DETECTORS,
    **{name: detector for some in LANGUAGE_DETECTORS.values() for name, detector in some.items()},
    **INSTRUCTION_DETECTORS,
}


def rule(name: str) -> str:
    """Return the counting rule of a detector, on one line."""
    if name == "other-language":
        return language.rule()
    return " ".join((inspect.getdoc(EVERY_DETECTOR[name]) or "").split())
