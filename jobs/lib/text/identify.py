"""Which languages a text may be in, by the model that the py3langid package carries (BSD licence, 140 languages)."""

from collections.abc import Mapping
from functools import cache

FEWEST_LETTERS = 40


def identified(prose: str, claimed: str) -> Mapping[str, float] | None:
    """Return the probability of each language, as `EN`; the most probable one is first.

    None where nothing can be told: of fewer letters, and of a language that the model does not know.
    """
    if claimed not in _known() or sum(map(str.isalpha, prose)) < FEWEST_LETTERS:
        return None
    return {label.upper(): float(probability) for label, probability in _model().rank(prose)}


@cache
def _known() -> frozenset[str]:
    """The languages that the model knows."""
    return frozenset(label.upper() for label in _model().labels)


@cache
def _model():  # type: ignore[no-untyped-def]
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
