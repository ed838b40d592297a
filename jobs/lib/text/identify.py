"""Which languages a text may be in, by the model that the py3langid package carries (BSD licence, 140 languages)."""

from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy

FEWEST_LETTERS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """The most probable language, as `EN`, and how probable it is; how probable the likeliest claimed one is."""

    language: str
    probability: float
    claimed: float


def identified(prose: str, *claimed: str) -> Identified | None:
    """Identify a text that claims a language, and may as well be in others that nobody tells from it.

    None where nothing can be told: of fewer letters, and of a first language that the model does not know.
    """
    if not _has_letters(prose) or claimed[0] not in _known():  # the model is large: not read where no text is long
        return None
    label, probability = _model().classify(prose)
    language = label.upper()
    if language in claimed:
        return Identified(language=language, probability=probability, claimed=probability)
    ranked = ((label.upper(), found) for label, found in _model().rank(prose))  # which takes longer
    return Identified(
        language=language,
        probability=probability,
        claimed=next((found for name, found in ranked if name in claimed), 0.0),
    )


def _has_letters(prose: str) -> bool:
    """Whether there are enough of them; the rest is not looked at."""
    return len(list(islice(filter(str.isalpha, prose), FEWEST_LETTERS))) == FEWEST_LETTERS


@cache
def _known() -> frozenset[str]:
    """The languages that the model knows."""
    return frozenset(label.upper() for label in _model().labels)


@cache
def _model():  # type: ignore[no-untyped-def]
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # as every text has its rows widened otherwise: the same numbers, in half the time, for 28 MB
    model.nb_ptc = model.nb_ptc.astype(numpy.float32)
    return model
