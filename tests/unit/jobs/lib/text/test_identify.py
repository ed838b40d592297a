"""Languages: what is told of a text is what the library's whole ranking says."""

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from jobs.lib.text.identify import FEWEST_LETTERS, identified
from tests.kit.browsed import PROSE


@pytest.fixture(scope="module")
def library() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@pytest.mark.parametrize("claimed", [("EN",), ("DE",), ("NO", "NB", "NN"), ("SR", "HR", "BS")])
@pytest.mark.parametrize("language", PROSE)
def test_it_is_what_the_library_ranks(library: LanguageIdentifier, language: str, claimed: tuple[str, ...]) -> None:
    for text in (PROSE[language], f"{PROSE[language]} {PROSE['EN']}", PROSE[language].upper()):
        ranked = [(label.upper(), probability) for label, probability in library.rank(text)]
        found = identified(text, *claimed)
        assert found is not None
        assert (found.language, found.probability) == ranked[0]
        assert found.claimed == max(probability for label, probability in ranked if label in claimed)


def test_few_letters_and_languages_that_the_model_does_not_know_are_not_told() -> None:
    assert identified("a 1 " * (FEWEST_LETTERS - 1), "EN") is None
    assert identified("a 1 " * FEWEST_LETTERS, "EN") is not None
    assert identified(PROSE["EN"], "AA") is None
