"""What endpoints of several makes do differently, by the real client against a loopback endpoint that does it."""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from jobs.lib.chat.calls import ErrorClass, Failure, Reply, Request
from jobs.lib.chat.chat import Chat
from jobs.lib.chat.endpoint import Endpoint
from jobs.lib.chat.rate_headers import read_limits
from polyglot.kinds.chat import ChatForm
from tests.kit import judge_server as js
from tests.kit.judge_server import Call, ScriptedJudge, Step

KEY = "sk-a-sentinel-of-the-tests"
TOKEN = "eyJ0eXAiOiJKV1Qi.eyJhdWQiOiJhIn0.c2ln"  # of Entra, in form
MESSAGES = ({"role": "user", "content": "Größe?"},)
SCHEMA = {"type": "json_schema", "json_schema": {"name": "v", "strict": True, "schema": {"type": "object"}}}


def request(**changes: Any) -> Request:
    return Request(**{"model": "m", "messages": MESSAGES, "temperature": 0.0, "max_tokens": 9} | changes)


def asked(
    script: Callable[[Call], Step], *requests: Request, path: str = "/v1", at_once: bool = False, **endpoint: Any
) -> tuple[list[Reply | Failure], Sequence[Call]]:
    """Attempt each request, one after the other or all at once; the results and what arrived."""

    async def ask(base_url: str) -> list[Reply | Failure]:
        given = Endpoint(base_url=base_url, **{"key": KEY} | endpoint)
        async with Chat(given, timeout_seconds=5.0, connections=20) as chat:
            if at_once:
                return list(await asyncio.gather(*(chat.attempt(each) for each in requests)))
            return [await chat.attempt(each) for each in requests]

    with ScriptedJudge(script) as server:
        return asyncio.run(ask(server.base_url.removesuffix("/v1") + path)), server.calls


def ok(call: Call) -> Step:
    return js.reply("ok")


def body(document: dict[str, Any]) -> Step:
    return js.raw(js.http("200 OK", json.dumps(document).encode()))


class TestFields:
    def test_a_temperature_of_the_models_own_is_not_sent_and_is_another_request(self) -> None:
        _, (call,) = asked(ok, request(temperature="default"))
        assert "temperature" not in call.body
        assert request(temperature="default").id == call.id != request().id

    def test_what_is_not_given_is_in_no_request_and_what_is_given_is_sent(self) -> None:
        assert set(request().document()) == {"model", "messages", "temperature", "max_tokens"}
        full = request(reasoning_effort="low", response_format=SCHEMA, seed=1, top_p=0.5)
        _, (call,) = asked(ok, full)
        assert (call.id, dict(call.body)) == (full.id, full.document())
        assert (call.body["reasoning_effort"], call.body["response_format"]) == ("low", SCHEMA)

    def test_a_form_makes_the_same_request(self) -> None:
        form = ChatForm(model="m", temperature="default", max_tokens=9, response_format=json.dumps(SCHEMA))
        assert Request.in_form(form, MESSAGES) == request(temperature="default", response_format=SCHEMA)

    @pytest.mark.parametrize(
        ("field", "param", "said", "remedy"),
        [
            ("temperature", "temperature", "Unsupported value", "Write `temperature: default` in the study file"),
            ("top_p", None, "'top_p' is not supported with this model", "Write `top-p: 1` below `answers`"),
            ("seed", None, "Unrecognized request argument supplied: seed", "Take `seed` out of the study file"),
            (
                "reasoning_effort",
                "reasoning_effort",
                "Unrecognized request argument",
                "Take `reasoning-effort` out of the study file",
            ),
            (
                "response_format",
                None,
                "This response_format type is unavailable now",
                "Ask a model that has structured",
            ),
            (
                "response_format",
                "response_format.json_schema.schema",
                "Invalid schema for response_format 'v'",
                "Ask a model that has structured",
            ),
        ],
    )
    def test_one_that_is_refused_is_never_left_out_in_silence(
        self, field: str, param: str | None, said: str, remedy: str
    ) -> None:
        refusal = js.status(400, said, error={"param": param})
        (found, again), calls = asked(lambda call: refusal, *[request(**{field: 0.5} if field == "top_p" else {})] * 2)
        for failure in (found, again):
            assert isinstance(failure, Failure)
            assert (failure.reason, failure.error) == ("http-400", ErrorClass.FATAL)
            assert failure.detail.startswith(f"it refuses `{field}`: {said}")
            assert remedy in failure.detail
        assert calls[0].id == calls[1].id


class TestReasoning:
    @pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
    @pytest.mark.parametrize(("content", "finish"), [("Rating: [[7]]", "stop"), (None, "length"), ("", "length")])
    def test_it_is_never_the_text(self, field: str, content: str | None, finish: str) -> None:
        document = js.completion(content, finish=finish)
        document["choices"][0]["message"][field] = "Perhaps [[2]]"
        (found,), _ = asked(lambda call: body(document), request())
        assert isinstance(found, Reply)
        assert (found.text, found.finish_reason) == (content or "", finish)

    def test_nor_is_a_part_of_the_content_that_is_thought(self) -> None:
        parts = [
            {"type": "thinking", "thinking": [{"type": "text", "text": "[[2]]"}]},
            {"type": "text", "text": "[[7]]"},
        ]
        document = js.completion("x")
        document["choices"][0]["message"]["content"] = parts
        (found,), _ = asked(lambda call: body(document), request())
        assert isinstance(found, Reply)
        assert found.text == "[[7]]"

    @pytest.mark.parametrize(
        ("completion", "reasoning", "total", "counted"),
        [(120, 100, 130, 120), (20, 100, 130, 120), (20, 100, 30, 120), (20, None, 130, 120), (20, 0, 30, 20)],
    )
    def test_its_tokens_are_counted_once_wherever_a_server_counts_them(
        self, completion: int, reasoning: int | None, total: int, counted: int
    ) -> None:
        usage = {"prompt_tokens": 10, "completion_tokens": completion, "total_tokens": total}
        usage |= {"completion_tokens_details": None if reasoning is None else {"reasoning_tokens": reasoning}}
        (found,), _ = asked(lambda call: body(js.completion("x") | {"usage": usage}), request())
        assert isinstance(found, Reply)
        assert (found.prompt_tokens, found.completion_tokens) == (10, counted)


class TestAzure:
    def test_the_version_goes_as_a_query_and_the_key_as_azure_takes_it(self) -> None:
        path = "/openai/deployments/judge"
        _, (call,) = asked(ok, request(), path=path, api_version="2024-10-21")
        assert call.path == f"{path}/chat/completions?api-version=2024-10-21"
        assert call.headers["api-key"] == KEY
        assert "authorization" not in call.headers

    def test_a_token_of_entra_is_a_bearers(self) -> None:
        _, (call,) = asked(ok, request(), path="/openai/deployments/judge", api_version="2024-10-21", key=TOKEN)
        assert call.headers["authorization"] == f"Bearer {TOKEN}"
        assert "api-key" not in call.headers

    @pytest.mark.parametrize(
        ("url", "as_azure"),
        [
            ("https://x.openai.azure.com/openai/v1", True),
            ("https://x.services.ai.azure.com/openai/v1", True),
            ("https://x.cognitiveservices.azure.com/openai/deployments/n", True),
            ("https://x.inference.ml.azure.com/v1", False),
            ("https://openai.azure.com.evil.example/v1", False),
            ("https://api.openai.com/v1", False),
        ],
    )
    def test_its_own_hosts_get_the_key_in_its_header_without_a_version_too(self, url: str, as_azure: bool) -> None:
        assert Endpoint(base_url=url, key=KEY).azure_key == (KEY if as_azure else None)
        assert Endpoint(base_url=url, key=TOKEN).azure_key is None

    def test_what_its_filter_stops_is_counted_as_that(self) -> None:
        inner = {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}, "status": 400}
        (found,), _ = asked(lambda call: js.status(400, "The response was filtered", error=inner), request())
        assert isinstance(found, Failure)
        assert (found.reason, found.error) == ("content-filter", ErrorClass.FINAL)


class TestPath:
    @pytest.mark.parametrize(
        "answer",
        [js.status(404), js.status(405), js.raw(js.http("200 OK", b"<html></html>", {"Content-Type": "text/html"}))],
        ids=["404", "405", "page"],
    )
    @pytest.mark.parametrize("at_once", [False, True])
    def test_an_address_without_v1_is_asked_with_it_once_and_that_is_said(
        self, answer: Step, at_once: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        def script(call: Call) -> Step:
            return js.reply("ok") if call.path.startswith("/v1/") else answer

        with caplog.at_level(logging.WARNING):
            found, calls = asked(script, *[request(seed=n) for n in range(3)], path="", at_once=at_once)
        moved = [one for one in found if isinstance(one, Failure)]
        assert {(one.reason, one.error) for one in moved} == {("v1-added", ErrorClass.AGAIN)}
        assert len(moved) == (3 if at_once else 1)
        assert [call.path for call in calls[len(moved) :]] == ["/v1/chat/completions"] * (3 - len(moved))
        (line,) = [record.message for record in caplog.records if "/v1" in record.message]
        assert line.endswith("Write /v1 in the address")

    def test_where_neither_is_there_both_are_named(self) -> None:
        (_, found), calls = asked(lambda call: js.status(404), request(), request(), path="/judge")
        assert isinstance(found, Failure)
        assert (found.reason, found.error) == ("http-404", ErrorClass.FATAL)
        at = f"http://{calls[0].headers['host']}/judge"
        assert found.detail.startswith(f"no such model or path at {at}/v1, nor at {at}: ")

    @pytest.mark.parametrize(
        ("path", "error"),
        [
            ("/v1", {}),
            ("/v1beta/openai", {}),
            ("/openai/deployments/x", {}),
            ("", {"code": "model_not_found"}),
        ],
    )
    def test_a_version_or_a_model_that_is_missing_is_no_missing_v1(self, path: str, error: dict[str, str]) -> None:
        (found,), calls = asked(lambda call: js.status(404, error=error), request(), path=path)
        assert isinstance(found, Failure)
        assert found.error is ErrorClass.FATAL
        assert len(calls) == 1

    def test_an_address_without_v1_that_answers_is_left_alone(self) -> None:
        (found,), (call,) = asked(ok, request(), path="")
        assert isinstance(found, Reply)
        assert call.path == "/chat/completions"


class TestWithheld:
    @pytest.mark.parametrize(
        ("choice", "withheld"),
        [
            ({"finish_reason": "content_filter", "message": {"content": "The first ha"}}, "content-filter"),
            ({"finish_reason": "content_filter", "message": {"content": None}}, "content-filter"),
            ({"finish_reason": "content_filter: SAFETY"}, "content-filter"),
            ({"finish_reason": "PROHIBITED_CONTENT", "message": None}, "content-filter"),
            ({"finish_reason": "refusal", "message": {"content": ""}}, "refused"),
            ({"finish_reason": "stop", "message": {"content": None, "refusal": "I may not."}}, "refused"),
            ({"finish_reason": "stop", "message": {"content": [{"type": "refusal", "refusal": "No."}]}}, "refused"),
            ({"finish_reason": "stop", "message": {"content": "I cannot say. [[7]]"}}, None),
        ],
    )
    def test_a_refusal_and_a_filter_are_told_apart(self, choice: dict[str, Any], withheld: str | None) -> None:
        (found,), _ = asked(lambda call: body(js.completion("x") | {"choices": [{"index": 0} | choice]}), request())
        assert isinstance(found, Reply)
        assert found.withheld == withheld

    @pytest.mark.parametrize(
        ("status", "said", "code"),
        [
            (400, "Output blocked by content filtering policy", None),
            (403, "m requires moderation on p. Your input was flagged for violence", 403),
            (400, "Content Exists Risk", "invalid_request_error"),
            (400, "Input text data may contain inappropriate content.", "data_inspection_failed"),
            (400, "Invalid prompt: it was flagged as potentially violating our usage policy", "invalid_prompt"),
        ],
    )
    def test_a_status_of_any_make_may_say_it(self, status: int, said: str, code: object) -> None:
        (found,), _ = asked(lambda call: js.status(status, said, error={"code": code}), request())
        assert isinstance(found, Failure)
        assert (found.reason, found.error) == ("content-filter", ErrorClass.FINAL)


@pytest.mark.parametrize("step", [js.status(429, x_ratelimit_remaining="0", x_ratelimit_reset="7"), None])
def test_limits_are_heard_of_every_answer(step: Step | None) -> None:
    heard: list[float | None] = []
    document = json.dumps(js.completion("ok")).encode()
    fine = js.raw(js.http("200 OK", document, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "7"}))

    async def ask(base_url: str) -> Reply | Failure:
        async with Chat(Endpoint(base_url=base_url), timeout_seconds=5.0, connections=1) as chat:
            return await chat.attempt(request(), lambda headers: heard.append(read_limits(headers)[0].reset_seconds))

    with ScriptedJudge(lambda call: step or fine) as server:
        found = asyncio.run(ask(server.base_url))
    assert heard == [7.0]
    assert isinstance(found, Reply) or found.wait_seconds == 7.0
