"""The language that files claim, against the one that they are in: files under each other's names are refused.

Single turns in another language are findings of the card. A whole language of which most turns are in another one is
no finding: somebody exchanged two files, or downloaded one of them twice.
"""

from polyglot.core.errors import Permanent
from polyglot.kinds.data_card import DataCard

FEWEST_TURNS = 20  # that must have been judged
MOST_OFF_LANGUAGE = 0.5


def refuse_exchanged(card: DataCard) -> None:
    """Raise Permanent for the first language of an ingest's card that most of its turns are not in."""
    judged = card.defects["other-language"].languages if "other-language" in card.defects else {}
    wrong = {
        language: found
        for language, found in judged.items()
        if found.of and found.of >= FEWEST_TURNS and found.count > MOST_OFF_LANGUAGE * found.of
    }
    for language, found in wrong.items():
        likeliest = _likeliest(card, language)
        exchanged = likeliest in wrong and _likeliest(card, likeliest) == language
        remedy = f"The files of {language} and {likeliest} look exchanged" if exchanged else "Check the files of it"
        raise Permanent(
            f"{language}: {found.count} of {found.of} turns are in another language, most of them in {likeliest}; "
            f"expected {language}. {remedy}"
        )


def _likeliest(card: DataCard, language: str) -> str:
    """The language that most turns were identified as, the claimed one aside."""
    identified = card.languages[language].identified or {}
    others = {found: turns for found, turns in identified.items() if found != language}
    return max(others, key=lambda found: (others[found], found))
