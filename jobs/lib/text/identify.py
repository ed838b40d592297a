"""Which languages a text may be in, by the model that the py3langid package carries (BSD licence, 140 languages)."""

from collections.abc import Mapping
from functools import cache
from itertools import islice

FEWEST_LETTERS = 40


def identified(prose: str, claimed: str) -> Mapping[str, float] | None:
    """Return the probability of each language, as `EN`; the most probable one is first.

    None where nothing can be told: of fewer letters, and of a language that the model does not know.
    """
    codes = _codes()
    if claimed.lower() not in codes or not _has_letters(prose):
        return None
    return {codes[label]: probability for label, probability in _model().rank(prose)}


def _has_letters(prose: str) -> bool:
    """Whether there are enough of them; the rest is not looked at."""
    return len(list(islice(filter(str.isalpha, prose), FEWEST_LETTERS))) == FEWEST_LETTERS


@cache
def _codes() -> Mapping[str, str]:
    """What the model calls the languages that it knows, and what they are here."""
    return {label: label.upper() for label in _model().labels}


@cache
def _model():  # type: ignore[no-untyped-def]
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
