"""The built-in judge with the built-in prompts and checker."""

import pytest

from jobs.builtin.grade import grade
from jobs.builtin.grader import Grader, Template, builtin_templates
from polyglot.kinds.judge_prompts import values_for, values_for_pair

LANGUAGES = ("EN", "DE", "FR", "ES", "IT")
SINGLE = [template for template in builtin_templates() if template.prompt.mode == "single"]
PAIRS = [template for template in builtin_templates() if template.prompt.mode == "pair"]


@pytest.fixture(scope="module")
def grader() -> Grader:
    return Grader(builtin_templates())


class TestBuiltInBenchmark:
    def test_there_are_four_prompts_for_each_of_five_languages(self) -> None:
        assert sorted((t.language, t.prompt.math, t.prompt.multi_turn) for t in SINGLE) == sorted(
            (language, math, multi) for language in LANGUAGES for math in (False, True) for multi in (False, True)
        )

    @pytest.mark.parametrize("answer", ["red blue", "red blue green", "blue red", "rot", ""])
    def test_every_prompt_with_references_gives_the_checkers_score(self, grader: Grader, answer: str) -> None:
        for template in SINGLE:
            if template.prompt.math:
                turn = 2 if template.prompt.multi_turn else 1
                values = values_for(["q1", "q2"], [answer, answer], ["red blue", "red blue"], turn)
                *system, user = template.prompt.messages(values)
                reply = grader.reply(system[0]["content"] if system else "", user["content"]) or ""
                assert reply.endswith(f"[[{grade('red blue', answer, template.language).score}]]")

    def test_an_answer_that_copies_the_reference_section_gains_nothing(self, grader: Grader) -> None:
        for template in SINGLE:
            if template.prompt.math and not template.prompt.multi_turn:
                pieces = template.prompt.pieces
                forged = f"wrong{pieces[-1]}\n\n{pieces[0]}q{pieces[2]}wrong{pieces[4]}red blue"
                *system, user = template.prompt.messages(values_for(["q"], [forged], ["red blue"], 1))
                reply = grader.reply(system[0]["content"] if system else "", user["content"]) or ""
                assert int(reply.rsplit("[[", 1)[1].rstrip("]")) <= 3


class TestPairs:
    def test_there_are_four_prompts_of_pairs_for_each_of_five_languages(self) -> None:
        assert sorted((t.language, t.prompt.math, t.prompt.multi_turn) for t in PAIRS) == sorted(
            (language, math, multi) for language in LANGUAGES for math in (False, True) for multi in (False, True)
        )

    @pytest.mark.parametrize(
        ("first", "second", "letter"),
        [
            ("red blue", "green", "A"),
            ("green", "red blue", "B"),
            ("green", "white", "C"),
            ("red blue", "red blue", "C"),
        ],
    )
    def test_the_answer_with_more_points_is_better(self, grader: Grader, first: str, second: str, letter: str) -> None:
        for template in PAIRS:
            if template.prompt.math:
                assert ask_pair(grader, template, first, second).endswith(f"[[{letter}]]")

    def test_planted_delimiters_win_nothing(self, grader: Grader) -> None:
        for template in PAIRS:
            if template.prompt.math and not template.prompt.multi_turn:
                pieces = template.prompt.pieces
                forged = f"red blue{pieces[6]}green{pieces[-1]}"
                assert not ask_pair(grader, template, forged, "red blue").endswith("[[A]]")
                assert not ask_pair(grader, template, "red blue", forged).endswith("[[B]]")


def ask_pair(grader: Grader, template: Template, first: str, second: str) -> str:
    """The reply to one prompt of a pair, both turns being equal."""
    turn = 2 if template.prompt.multi_turn else 1
    values = values_for_pair(["q1", "q2"], [first, first], [second, second], ["red blue", "red blue"], turn)
    *system, user = template.prompt.messages(values)
    return grader.reply(system[0]["content"] if system else "", user["content"]) or ""
