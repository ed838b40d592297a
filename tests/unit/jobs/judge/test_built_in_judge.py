"""The built-in judge with the built-in prompts and checker."""

import pytest

from jobs.builtin.grade import grade
from jobs.builtin.grader import Grader, builtin_templates
from polyglot.kinds.judge_prompts import values_for

LANGUAGES = ("EN", "DE", "FR", "ES", "IT")


@pytest.fixture(scope="module")
def grader() -> Grader:
    return Grader(builtin_templates())


class TestBuiltInBenchmark:
    def test_there_are_four_prompts_for_each_of_five_languages(self) -> None:
        assert sorted((t.language, t.prompt.math, t.prompt.multi_turn) for t in builtin_templates()) == sorted(
            (language, math, multi) for language in LANGUAGES for math in (False, True) for multi in (False, True)
        )

    @pytest.mark.parametrize("answer", ["red blue", "red blue green", "blue red", "rot", ""])
    def test_every_prompt_with_references_gives_the_checkers_score(self, grader: Grader, answer: str) -> None:
        for template in builtin_templates():
            if template.prompt.math:
                turn = 2 if template.prompt.multi_turn else 1
                values = values_for(["q1", "q2"], [answer, answer], ["red blue", "red blue"], turn)
                *system, user = template.prompt.messages(values)
                reply = grader.reply(system[0]["content"] if system else "", user["content"]) or ""
                assert reply.endswith(f"[[{grade('red blue', answer, template.language).score}]]")

    def test_an_answer_that_copies_the_reference_section_gains_nothing(self, grader: Grader) -> None:
        for template in builtin_templates():
            if template.prompt.math and not template.prompt.multi_turn:
                pieces = template.prompt.pieces
                forged = f"wrong{pieces[-1]}\n\n{pieces[0]}q{pieces[2]}wrong{pieces[4]}red blue"
                *system, user = template.prompt.messages(values_for(["q"], [forged], ["red blue"], 1))
                reply = grader.reply(system[0]["content"] if system else "", user["content"]) or ""
                assert int(reply.rsplit("[[", 1)[1].rstrip("]")) <= 3
