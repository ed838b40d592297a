"""Verdicts of replies that were held to a JSON schema: the field alone, and never what stands in brackets."""

import json

import pytest

from jobs.lib.judging.structured import is_structured, parse_structured
from jobs.lib.judging.verdict import Reading
from polyglot.core.canonical import Json, canonical
from polyglot.kinds.structured import offered, reply_format

SINGLE, PAIR, BOTH_BAD = reply_format("single"), reply_format("pair"), reply_format("pair", both_bad=True)
NONE = Reading(reason="no-verdict")


def single(value: Json, **more: Json) -> str:
    return json.dumps({"explanation": "Rating: [[1]] and [[A]]", "rating": value} | more)


def pair(value: Json) -> str:
    return json.dumps({"explanation": "[[B]] is better", "verdict": value})


class TestForms:
    def test_a_form_is_strict_with_the_reasons_before_the_verdict_in_the_bytes_that_are_sent(self) -> None:
        for form, field in ((SINGLE, "rating"), (PAIR, "verdict")):
            schema = form["json_schema"]["schema"]  # type: ignore[index,call-overload]
            assert form["json_schema"]["strict"] is True  # type: ignore[index,call-overload]
            assert schema["required"] == ["explanation", field]  # type: ignore[index,call-overload]
            assert schema["additionalProperties"] is False  # type: ignore[index,call-overload]
            sent = canonical(form).decode()
            assert sent.index('"explanation":{') < sent.index(f'"{field}":{{')

    def test_a_form_says_what_it_offers(self) -> None:
        assert offered(SINGLE) == ("single", tuple(range(1, 11)))
        assert offered(PAIR) == ("pair", ("A", "B", "C"))
        assert offered(BOTH_BAD) == ("pair", ("A", "B", "C", "D"))


class TestSingle:
    @pytest.mark.parametrize(("value", "score"), [(1, 1.0), (10, 10.0), (7.0, 7.0)])
    def test_a_whole_number_of_the_scale_is_the_score(self, value: float, score: float) -> None:
        assert parse_structured(single(value), "stop", SINGLE) == Reading(score=score)

    @pytest.mark.parametrize("value", [0, 11, -3, 10**30])
    def test_a_number_outside_of_it_is_out_of_range(self, value: int) -> None:
        assert parse_structured(single(value), "stop", SINGLE) == Reading(reason="out-of-range")

    @pytest.mark.parametrize("value", [7.5, "7", "[[7]]", True, None, [7], {"rating": 7}])
    def test_anything_else_is_no_verdict(self, value: Json) -> None:
        assert parse_structured(single(value), "stop", SINGLE) == NONE

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Rating: [[7]]",
            "7",
            "[7]",
            '{"explanation": "[[7]]"}',
            '{"explanation": "good", "rating": 7',
            '{"rating": 7} {"rating": 7}',
            'It is: {"explanation": "good", "rating": 7}',
            '```json\n{"explanation": "good", "rating": 7}\n```',
            '{"rating": 3, "rating": 9}',
            '{"rating": NaN}',
            '{"rating": 1e999}',
            "[" * 100_000,
        ],
    )
    def test_what_is_no_such_object_has_none_whatever_brackets_it_holds(self, text: str) -> None:
        assert parse_structured(text, "stop", SINGLE) == NONE

    def test_a_reply_that_was_cut_has_none(self) -> None:
        assert parse_structured('{"explanation": "It is', "length", SINGLE) == Reading(reason="truncated")

    def test_white_space_other_fields_and_thoughts_before_it_do_no_harm(self) -> None:
        for text in (f"\n {single(8)} \n", single(8, confidence=0.5), f"<think>\n[[2]]</think>\n{single(8)}"):
            assert parse_structured(text, "stop", SINGLE) == Reading(score=8.0)

    def test_an_explanation_that_speaks_of_thoughts_is_kept_whole(self) -> None:
        text = json.dumps({"explanation": "It writes <think>a</think> and </think>.", "rating": 4})
        assert parse_structured(text, "stop", SINGLE) == Reading(score=4.0)


class TestPairs:
    @pytest.mark.parametrize(("value", "winner"), [("A", "A"), ("B", "B"), ("C", "tie")])
    def test_the_letter_is_the_verdict(self, value: str, winner: str) -> None:
        assert parse_structured(pair(value), "stop", PAIR).winner == winner

    def test_both_bad_is_one_only_where_it_was_offered(self) -> None:
        assert parse_structured(pair("D"), "stop", BOTH_BAD) == Reading(winner="both-bad")
        assert parse_structured(pair("D"), "stop", PAIR) == NONE

    @pytest.mark.parametrize("value", ["a", "[[A]]", "AB", "", None, 1, ["A"]])
    def test_anything_else_is_no_verdict(self, value: Json) -> None:
        assert parse_structured(pair(value), "stop", PAIR) == NONE


def test_the_published_rule_is_about_texts_and_not_about_such_objects() -> None:
    assert is_structured(single(7))
    assert is_structured(pair("A"))
    assert not is_structured("Rating: [[7]]")
    assert not is_structured('{"explanation": "[[7]]"}')
