"""Which language a text is in, by the model that the py3langid package carries (BSD licence, 140 languages)."""

from functools import cache

from jobs.lib.text.texts import Text

CHARACTERS = 600  # of a turn's prose that are looked at
FEWEST_LETTERS = 40
DOUBT = 0.01  # the claimed language's probability below which a turn counts as another language's


def spoken(text: Text, claimed: str) -> tuple[str, bool] | None:
    """Return the most probable language of a turn and whether it counts as a stranger, None when it is not judged.

    `rule` is how the card explains it.
    """
    prose = text.plain(CHARACTERS)
    if claimed not in _labels() or sum(map(str.isalpha, prose)) < FEWEST_LETTERS:
        return None
    found = str(_model().classify(prose)[0]).upper()
    if found == claimed:
        return found, False
    probability: float = dict(_model().rank(prose))[claimed.lower()]
    return found, probability < DOUBT


def rule() -> str:
    """Return the counting rule as the card shows it."""
    return (
        f"Turns of which py3langid (langid.py's model) gives the claimed language a probability below {DOUBT}; of the "
        f"turns with at least {FEWEST_LETTERS} letters of prose. The first {CHARACTERS} characters are looked at, code "
        "and links left out. Per language, `identified` counts the most probable one of each turn, in which close "
        "relatives (ES, AN, GL) and tables of names are mistaken now and then."
    )


@cache
def _labels() -> frozenset[str]:
    return frozenset(label.upper() for label in _model().labels)


@cache
def _model():  # type: ignore[no-untyped-def]
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
