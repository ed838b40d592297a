"""The built-in judge prompts: FastChat's schema, four a language, and readable by the built-in judge."""

import json

import pytest

from jobs import builtin
from jobs.builtin.grader import Grader, builtin_templates
from jobs.builtin.words import LANGUAGES
from polyglot.kinds.judge_prompts import load, values_for
from polyglot.study.lock import built_in_prompts

FIELDS = {"name", "type", "system_prompt", "prompt_template", "description", "category", "output_format"}
NAMES = ["single-v1", "single-math-v1", "single-v1-multi-turn", "single-math-v1-multi-turn"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_four_prompts_in_the_published_schema(language):
    lines = built_in_prompts(language).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["name"] for row in rows] == NAMES
    assert all(set(row) == FIELDS and "[[5]]" in row["prompt_template"] for row in rows)
    assert set(load(built_in_prompts(language), language).by_kind) == {(m, t) for m in (0, 1) for t in (0, 1)}


def test_no_two_languages_share_a_prompt():
    texts = {
        row for language in LANGUAGES for row in built_in_prompts(language).read_text(encoding="utf-8").split("\n")
    }
    assert len(texts - {""}) == 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_built_in_judge_reads_question_reference_and_answer_back(language):
    grader, prompts = Grader(builtin_templates()), load(built_in_prompts(language), language)
    for question in builtin.questions("verifiable", language):
        right = question["reference"]
        for turn in (1, 2):
            prompt = prompts.by_kind[True, turn == 2]
            for answers, rating in ((right, "[[10]]"), (["?"] * 2, "[[1]]")):
                messages = prompt.messages(values_for(question["turns"], answers, right, turn))
                reply = grader.reply(messages[0]["content"], messages[1]["content"])
                assert reply is not None
                assert reply.endswith(rating)
