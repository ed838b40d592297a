"""What a check says of prompts that a model has no positions for."""

import pytest

from jobs.check.found import Found
from jobs.check.prompts import look
from jobs.lib.model.template import ChatFormat
from polyglot.kinds.rows import Question
from tests.kit.token_families import llama3_like

ASKED = [
    Question(id="81", language="EN", category="writing", turns=("Hi", "Again")),
    Question(id="82", language="EN", category="writing", turns=("word " * 200, "Again")),
]


@pytest.fixture(scope="module")
def chat() -> ChatFormat:
    return ChatFormat(llama3_like())


def looked(chat: ChatFormat, *, positions: int, may_fail: bool) -> Found:
    found = Found()
    look(
        found,
        chat,
        ASKED,
        "",
        where="models.m",
        language="EN",
        positions=positions,
        embedded=100_000,
        max_new_tokens=8,
        may_fail=may_fail,
    )
    return found


def test_a_question_that_does_not_fit_is_a_defect_that_names_the_way_out(chat: ChatFormat) -> None:
    found = looked(chat, positions=64, may_fail=False)
    assert len(found.defects) == 1
    assert "models.m: EN: question 82, turn 2, does not fit" in found.defects[0]
    assert "`benchmark.over-long: fail`" in found.defects[0]


def test_where_the_study_lets_it_fail_it_is_a_remark(chat: ChatFormat) -> None:
    found = looked(chat, positions=64, may_fail=True)
    assert not found.defects
    assert "question 82, turn 2, does not fit" in found.remarks[0]


@pytest.mark.parametrize("may_fail", [False, True])
def test_what_fits_is_neither(chat: ChatFormat, *, may_fail: bool) -> None:
    found = looked(chat, positions=4096, may_fail=may_fail)
    assert not found.defects
    assert not found.remarks
