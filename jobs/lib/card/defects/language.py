"""Which language a turn of the data is in, and whether that is the one it claims."""

from jobs.lib.text.identify import FEWEST_LETTERS, identified
from jobs.lib.text.texts import Text

CHARACTERS = 600  # of a turn's prose that are looked at
DOUBT = 0.01  # the claimed language's probability below which a turn counts as another language's


def spoken(text: Text, claimed: str) -> tuple[str, bool] | None:
    """Return the most probable language of a turn and whether it counts as a stranger, None when it is not judged.

    `rule` is how the card explains it.
    """
    found = identified(text.plain(CHARACTERS), claimed)
    return None if found is None else (found.language, found.claimed < DOUBT)


def rule() -> str:
    """Return the counting rule as the card shows it."""
    return (
        f"Turns of which py3langid (langid.py's model) gives the claimed language a probability below {DOUBT}; of the "
        f"turns with at least {FEWEST_LETTERS} letters of prose. The first {CHARACTERS} characters are looked at, code "
        "and links left out. Per language, `identified` counts the most probable one of each turn, in which close "
        "relatives (ES, AN, GL) and tables of names are mistaken now and then."
    )
