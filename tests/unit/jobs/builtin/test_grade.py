"""The grading rule of the built-in benchmark."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.builtin.families import FAMILIES, PHRASINGS, answer, draw, instruction
from jobs.builtin.grade import grade
from jobs.builtin.words import LANGUAGES


@pytest.mark.parametrize(
    ("reference", "given_answer", "language", "score", "rule"),
    [
        ("dog, key, egg", "dog, key, egg", "EN", 10, "exact"),
        ("dog, key, egg", "  dog,\u00a0key, egg.\n", "EN", 10, "exact"),
        ("clé", unicodedata.normalize("NFD", "clé"), "FR", 10, "exact"),
        ("dog", "dog.\nUser: And the list key, egg?", "EN", 8, "unstopped"),
        ("dog", "dog\ndog", "EN", 8, "unstopped"),
        ("Bonjour, roi et chat !", "Bonjour, roi et chat ! Bonjour", "FR", 8, "unstopped"),
        ("dog", "dog, key, egg", "EN", 3, "overlap"),
        ("dog dog", "dog dog dog", "EN", 3, "overlap"),
        ("dog", "dogs", "EN", 1, "wrong"),
        ("Hund", "hund", "DE", 1, "wrong"),
        ("three", "drei", "EN", 5, "other-language"),
        ("an animal", "un animale", "EN", 5, "other-language"),
        ("dog, key, egg", "Hund, clé, egg", "EN", 5, "other-language"),
        ("dog dog", "perro perro", "EN", 5, "other-language"),
        ("Hello, king and cat!", "Hallo, König und Katze!", "EN", 5, "other-language"),
        ("Hello, king and cat!", "Hallo, Katze und König!", "EN", 1, "wrong"),
        ("un alimento", "un alimento", "ES", 10, "exact"),
        ("dog, key, egg", "egg, key, dog", "EN", 4, "other-order"),
        ("Hello, king and cat!", "Hello, cat and king!", "EN", 4, "other-order"),
        ("an animal", "an object", "EN", 1, "wrong"),
        ("dog", "", "EN", 1, "empty"),
        ("dog", " .!\n", "EN", 1, "empty"),
        ("", "dog", "EN", 1, "wrong"),
        ("kot, pies", "pies, kot", "PL", 4, "other-order"),
        ("kot", "dog", "PL", 1, "wrong"),
    ],
)
def test_rules(reference, given_answer, language, score, rule):
    result = grade(reference, given_answer, language)
    assert (result.score, result.rule) == (score, rule)


@given(st.data())
def test_the_right_answer_of_any_task_is_exact_and_its_translation_is_not_worth_more_than_five(data):
    family = data.draw(st.sampled_from(FAMILIES))
    arguments = draw(family, data.draw(st.randoms(use_true_random=False)))
    asked, other = data.draw(st.permutations(LANGUAGES))[:2]
    reference, translated = answer(family, arguments, asked), answer(family, arguments, other)
    assert grade(reference, reference, asked).score == 10
    assert grade(reference, translated, asked).score == (10 if translated == reference else 5)


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from([*LANGUAGES, "PL", ""]))
def test_any_texts_can_be_graded(reference, text, language):
    assert 1 <= grade(reference, text, language).score <= 10


@given(st.data())
def test_an_instruction_is_never_its_own_answer(data):
    family = data.draw(st.sampled_from(FAMILIES))
    arguments = draw(family, data.draw(st.randoms(use_true_random=False)))
    language = data.draw(st.sampled_from(LANGUAGES))
    asked = instruction(family, data.draw(st.integers(0, PHRASINGS - 1)), arguments, language)
    assert grade(answer(family, arguments, language), asked, language).score <= 3
