"""The language that files claim, against the one that they are in: files under each other's names are refused.

Single turns in another language are findings of the card. A whole language of which most turns are in another one is
no finding: somebody exchanged two files, or downloaded one of them twice.
"""

from collections.abc import Mapping
from typing import Any

from polyglot.core.errors import Permanent

FEWEST_TURNS = 20  # that must have been judged
MOST_STRANGERS = 0.5


def refuse_exchanged(card: Mapping[str, Any]) -> None:
    """Raise Permanent for the first language of an ingest's card that most of its turns are not in."""
    judged = card["defects"].get("other-language", {}).get("languages", {})
    wrong = {
        language: entry
        for language, entry in judged.items()
        if entry["of"] >= FEWEST_TURNS and entry["count"] > MOST_STRANGERS * entry["of"]
    }
    for language, entry in wrong.items():
        found = _likeliest(card, language)
        exchanged = found in wrong and _likeliest(card, found) == language
        remedy = f"The files of {language} and {found} look exchanged" if exchanged else "Check the files of it"
        raise Permanent(
            f"{language}: {entry['count']} of {entry['of']} turns are in another language, most of them in {found}; "
            f"expected {language}. {remedy}"
        )


def _likeliest(card: Mapping[str, Any], language: str) -> str:
    """The language that most turns were identified as, the claimed one aside."""
    identified: Mapping[str, int] = card["languages"][language]["identified"]
    others = {found: turns for found, turns in identified.items() if found != language}
    return max(others, key=lambda found: (others[found], found))
