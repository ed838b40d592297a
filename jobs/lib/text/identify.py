"""Which languages a text may be in, by the model that the py3langid package carries (BSD licence, 140 languages)."""

from collections.abc import Mapping
from functools import cache


def identified(prose: str) -> Mapping[str, float]:
    """Return the probability of each language, as `EN`; the most probable one is first."""
    return {label.upper(): float(probability) for label, probability in _model().rank(prose)}


@cache
def known() -> frozenset[str]:
    """The languages that the model knows."""
    return frozenset(label.upper() for label in _model().labels)


@cache
def _model():  # type: ignore[no-untyped-def]
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
