"""What is the matter with an answer: every defect where there is one, and none where it cannot be told."""

import pytest

from jobs.aggregate.defects import FEWEST_TOKENS, is_repeated, judge, spoken
from polyglot.kinds.answer import AnswerTurn
from tests.kit.browsed import PROSE

CODE = """```python
def the_answer_of_the_question(number_of_values):
    return number_of_values * 2  # the answer to the question of the user, in plain English words
```"""
LINES = """def largest(values):
    best = values[0]
    for value in values:
        if value > best:
            best = value
    return best
print(largest([1, 2, 3]))"""
MATH = r"\[ \frac{a + b}{c} = \sqrt{\text{something}} \] $x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}$ $$\int_0^1 f(x)\,dx$$"


class TestLanguage:
    @pytest.mark.parametrize("language", PROSE)
    def test_the_asked_one_is_known(self, language: str) -> None:
        assert spoken(PROSE[language] * 2, language) == language

    @pytest.mark.parametrize("asked", PROSE)
    @pytest.mark.parametrize("language", PROSE)
    def test_another_one_is_named(self, language: str, asked: str) -> None:
        assert spoken(PROSE[language] * 2, asked) == language

    @pytest.mark.parametrize(
        "text", ["", "42", "Paris.", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10", CODE, LINES, MATH, "xq zv " * 30]
    )
    def test_where_there_is_too_little_prose_it_is_unknown(self, text: str) -> None:
        assert spoken(text, "DE") is None

    def test_code_does_not_hide_the_prose_around_it(self) -> None:
        assert spoken(f"{PROSE['DE']}\n{CODE}", "DE") == "DE"
        assert spoken(f"{PROSE['FR']}\n\n{LINES}", "DE") == "FR"

    def test_a_language_that_the_model_does_not_know_is_unknown(self) -> None:
        assert spoken(PROSE["EN"], "AA") is None

    def test_close_relatives_are_one(self) -> None:
        assert spoken("Jeg vet ikke hva jeg skal si om dette spørsmålet, men jeg tror det er riktig.", "NO") == "NO"


class TestRepetition:
    @pytest.mark.parametrize(
        "text",
        [
            "Ich weiß es nicht. " * 30,
            "la" * 2_000,
            "答案是四十二。" * 40,
            PROSE["EN"] + "I am sorry. " * 60,
            "1 2 3 4 5 " * 20,
        ],
    )
    def test_what_goes_round_in_circles_is_found(self, text: str) -> None:
        assert is_repeated(text)

    @pytest.mark.parametrize("text", ["".join(PROSE.values()), "ja " * (FEWEST_TOKENS - 1), "", CODE, LINES])
    def test_what_does_not_is_left_alone(self, text: str) -> None:
        assert not is_repeated(text)

    def test_half_of_a_text_may_repeat(self) -> None:
        words = [f"word{number}" for number in range(200)]
        assert not is_repeated(" ".join(words + words[:195]))
        assert is_repeated(" ".join(words * 2 + words[:20]))


class TestTurn:
    def test_all_defects_of_a_turn_are_told(self) -> None:
        found = judge(AnswerTurn(text=PROSE["EN"] * 20, tokens=9, finish="length"), "DE")
        assert found == (("other-language", "repeated", "cut"), "EN")

    def test_an_empty_one_is_in_no_language(self) -> None:
        assert judge(AnswerTurn(text=" \n\t", tokens=1, finish="eos"), "DE") == (("empty",), None)

    def test_a_good_one_has_none(self) -> None:
        assert judge(AnswerTurn(text=PROSE["DE"], tokens=20, finish="stop"), "DE") == ((), "DE")
