"""Completions as endpoints send them: what is a reply, what may pass, and what is not known of them."""

import json
from typing import Any

import pytest

from jobs.lib.chat.calls import ErrorClass, Failure, Reply
from jobs.lib.chat.completion import known_end, read_completion
from tests.kit import judge_server as js


def read(document: Any) -> Reply | Failure:
    return read_completion(json.dumps(document).encode())


def message(finish: str | None = "stop", **fields: Any) -> dict[str, Any]:
    document = js.completion("x", finish=finish)
    document["choices"][0]["message"] = {"role": "assistant", **fields}
    return document


class TestEnds:
    @pytest.mark.parametrize(
        ("finish", "end"),
        [
            ("stop", "stop"),
            ("eos_token", "stop"),
            ("end_turn", "stop"),
            ("STOP", "stop"),
            ("length", "length"),
            ("max_tokens", "length"),
            ("MAX_TOKENS", "length"),
            ("content_filter", "content_filter"),
            ("SAFETY", "content_filter"),
        ],
    )
    def test_a_known_one_has_one_name(self, finish: str, end: str) -> None:
        found = read(js.completion("[[7]]", finish=finish))
        assert isinstance(found, Reply)
        assert (found.text, found.finish_reason) == ("[[7]]", end)

    @pytest.mark.parametrize(
        ("finish", "reason"),
        [
            ("abort", "finish-abort"),
            ("error", "finish-error"),
            ("unknown", "finish-unknown"),
            (None, "finish-unknown"),
            ("tool_calls", "finish-tool-calls"),
            ("insufficient_system_resource", "finish-" + "insufficient-system-resource"[:24]),
        ],
    )
    def test_any_other_is_a_state_that_may_pass_and_no_answer(self, finish: str | None, reason: str) -> None:
        found = read(js.completion("Rating: [[7]]", finish=finish))
        assert isinstance(found, Failure)
        assert (found.reason, found.error, found.may_be_billed) == (reason, ErrorClass.TRANSIENT, True)
        assert "is none of a reply that is whole" in found.detail

    def test_an_error_beside_the_choices_or_in_one_is_told(self) -> None:
        for document in (
            {"error": {"message": "overloaded"}},
            js.completion("x") | {"error": "overloaded"},
            {"choices": [js.completion("x")["choices"][0] | {"error": {"message": "overloaded"}}]},
        ):
            found = read(document)
            assert isinstance(found, Failure)
            assert (found.error, "overloaded" in found.detail) == (ErrorClass.TRANSIENT, True)

    @pytest.mark.parametrize("nothing", [None, "", 3, True, [], {}])
    def test_what_is_no_name_is_none(self, nothing: object) -> None:
        assert known_end(nothing) is None


class TestContent:
    @pytest.mark.parametrize(
        ("content", "text"),
        [
            ("a", "a"),
            ("", ""),
            ([{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}], "ab"),
            ([{"type": "output_text", "text": "a"}], "a"),
            ([{"text": "a"}, "b"], "ab"),
            ([], ""),
        ],
    )
    def test_is_a_text_or_a_list_of_parts(self, content: Any, text: str) -> None:
        found = read(message(content=content))
        assert isinstance(found, Reply)
        assert found.text == text

    @pytest.mark.parametrize("fields", [{"content": None}, {}, {"content": None, "reasoning_content": ""}])
    def test_none_at_all_is_no_reply(self, fields: dict[str, Any]) -> None:
        found = read(message(**fields))
        assert isinstance(found, Failure)
        assert (found.reason, found.error) == ("no-content", ErrorClass.TRANSIENT)

    def test_a_model_that_only_thought_said_nothing(self) -> None:
        for finish in ("stop", "length"):
            found = read(message(finish, content=None, reasoning_content="Rating: [[9]]"))
            assert isinstance(found, Reply)
            assert (found.text, found.finish_reason) == ("", finish)

    @pytest.mark.parametrize("content", [3, {"text": "a"}, [{"type": "text"}], [[1]], [{"type": "text", "text": 3}]])
    def test_any_other_form_is_none(self, content: Any) -> None:
        found = read(message(content=content))
        assert isinstance(found, Failure)
        assert found.reason == "bad-json"


class TestUsage:
    @pytest.mark.parametrize(
        ("usage", "tokens"),
        [
            ({"prompt_tokens": 7, "completion_tokens": 3}, (7, 3)),
            ({"input_tokens": 7, "output_tokens": 3}, (7, 3)),
            (None, (None, None)),
            ({}, (None, None)),
            ({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 410}, (7, 403)),
            ({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 3}, (7, 3)),
            ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, (None, None)),
            ({"total_tokens": 10}, (None, None)),
            ({"prompt_tokens": 7}, (7, None)),
            ({"prompt_tokens": 7, "completion_tokens": 0}, (7, None)),
            ({"prompt_tokens": -7, "completion_tokens": -1}, (None, None)),
            ({"prompt_tokens": "7", "completion_tokens": 3.5}, (None, None)),
            ({"prompt_tokens": True, "completion_tokens": 10**12}, (None, None)),
            ([7, 3], (None, None)),
        ],
    )
    def test_what_nobody_counted_is_not_known(self, usage: Any, tokens: tuple[int | None, int | None]) -> None:
        found = read(js.completion("x") | {"usage": usage})
        assert isinstance(found, Reply)
        assert (found.prompt_tokens, found.completion_tokens) == tokens

    def test_a_reply_of_nothing_may_have_no_tokens(self) -> None:
        found = read(message(content="") | {"usage": {"prompt_tokens": 7, "completion_tokens": 0}})
        assert isinstance(found, Reply)
        assert (found.prompt_tokens, found.completion_tokens) == (7, 0)
