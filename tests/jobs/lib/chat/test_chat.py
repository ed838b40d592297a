"""One attempt at one completion, by the real client against a loopback endpoint: what it sends, and how it reads."""

import asyncio
import json
import socket
from typing import Any

import pytest

from jobs.lib.chat.calls import ErrorClass, Failure, Reply, Request
from jobs.lib.chat.chat import Chat
from jobs.lib.chat.endpoint import Endpoint
from tests.kit import judge_server as js
from tests.kit.judge_server import ScriptedJudge, Step

KEY = "sk-a-sentinel-of-the-tests"
REQUEST = Request(model="m", messages=({"role": "user", "content": "Größe?"},), temperature=0.0, max_tokens=9, seed=3)


def attempt(base_url: str, *, key: str | None = KEY, seconds: float = 5.0, times: int = 1) -> list[Reply | Failure]:
    """Attempt the request so many times through one client."""

    async def ask() -> list[Reply | Failure]:
        endpoint = Endpoint(base_url=base_url, key=key)
        async with Chat(endpoint, timeout_seconds=seconds, connections=2) as chat:
            return [await chat.attempt(REQUEST) for _ in range(times)]

    return asyncio.run(ask())


def answered(step: Step, **options: Any) -> Reply | Failure:
    with ScriptedJudge(lambda call: step) as server:
        (found,) = attempt(server.base_url, **options)
    return found


class TestRequest:
    def test_it_is_the_canonical_body_under_its_own_name_with_the_key(self) -> None:
        with ScriptedJudge(lambda call: js.reply("ok")) as server:
            attempt(server.base_url)
            (call,) = server.calls
        assert (call.path, call.id) == ("/v1/chat/completions", REQUEST.id)
        assert call.headers["idempotency-key"] == REQUEST.id
        assert call.headers["authorization"] == f"Bearer {KEY}"
        assert dict(call.body) == REQUEST.document()

    def test_without_a_key_none_is_sent(self) -> None:
        with ScriptedJudge(lambda call: js.reply("ok")) as server:
            attempt(server.base_url, key=None)
            (call,) = server.calls
        assert "authorization" not in call.headers

    @pytest.mark.parametrize("param", ["max_tokens", None])
    @pytest.mark.parametrize(
        "said",
        ["Unsupported: 'max_tokens'. Use 'max_completion_tokens' instead.", "unknown field max_tokens"],
    )
    def test_a_renamed_limit_is_asked_by_its_new_name_from_then_on(self, param: str | None, said: str) -> None:
        def script(call: js.Call) -> Step:
            return js.status(400, said, error={"param": param}) if "max_tokens" in call.body else js.reply("ok")

        with ScriptedJudge(script) as server:
            first, second, third = attempt(server.base_url, times=3)
            bodies, names = (
                [call.body for call in server.calls],
                [call.headers["idempotency-key"] for call in server.calls],
            )
        assert isinstance(first, Failure)
        assert (first.error, first.wait_seconds, first.may_be_billed) == (ErrorClass.AGAIN, 0.0, False)
        assert isinstance(second, Reply)
        assert isinstance(third, Reply)
        assert [body.get("max_completion_tokens") for body in bodies] == [None, 9, 9]
        assert names[0] != names[1] == names[2]  # another body is another request

    def test_a_redirect_carries_neither_key_nor_prompts_elsewhere(self) -> None:
        with ScriptedJudge(lambda call: js.reply("stolen")) as other:
            to = f"{other.base_url}/chat/completions?k=secret"
            found = answered(js.raw(js.http("307 X", b"{}", {"Location": to})))
            assert other.calls == []
        assert isinstance(found, Failure)
        assert (found.reason, found.error) == ("http-307", ErrorClass.FATAL)
        assert found.detail.startswith("it redirects to http://127.0.0.1:")
        assert "secret" not in found.detail


class TestReply:
    def test_text_tokens_and_model_are_the_endpoints(self) -> None:
        found = answered(js.reply("Antwort 漢\n", finish="length", usage=js.Usage(prompt=7, completion=5)))
        assert found == Reply(
            text="Antwort 漢\n",
            finish_reason="length",
            refused=False,
            prompt_tokens=7,
            completion_tokens=5,
            served_by="judge-1-2024",
        )

    @pytest.mark.parametrize(
        ("message", "text", "refused"),
        [
            ({"content": None, "refusal": "I may not."}, "I may not.", True),
            ({"content": "", "refusal": None}, "", False),
            (
                {"content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]},
                "ab",
                False,
            ),
            ({"content": "\ud800x"}, "?x", False),
            ({"content": f"your key is {KEY}"}, "your key is [key]", False),
        ],
        ids=["refusal", "empty", "parts", "lone surrogate", "key"],
    )
    def test_every_form_of_content_is_read(self, message: dict[str, Any], text: str, refused: bool) -> None:
        document = js.completion("x")
        document["choices"][0]["message"] = {"role": "assistant", **message}
        found = answered(js.raw(js.http("200 OK", json.dumps(document).encode())))
        assert isinstance(found, Reply)
        assert (found.text, found.refused) == (text, refused)

    def test_tokens_that_nobody_counted_are_none(self) -> None:
        document = js.completion("x") | {"usage": None, "model": None}
        found = answered(js.raw(js.http("200 OK", json.dumps(document).encode())))
        assert isinstance(found, Reply)
        assert (found.prompt_tokens, found.completion_tokens, found.served_by) == (None, None, "")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>busy</html>",
            b"[]",
            b"{}",
            b'{"choices": []}',
            b'{"choices": [{"finish_reason": "stop", "message": {"content": 3}}]}',
        ]
        + [b'{"choices": [{"finish_reason": "stop"}]}', b"\xff\xfe"],
    )
    def test_what_is_no_completion_is_a_passing_failure_that_may_be_billed(self, body: bytes) -> None:
        found = answered(js.raw(js.http("200 OK", body)))
        assert isinstance(found, Failure)
        assert (found.reason, found.error, found.may_be_billed) == ("bad-json", ErrorClass.TRANSIENT, True)


class TestStatus:
    @pytest.mark.parametrize(
        ("step", "reason", "error"),
        [
            *((js.status(code), f"http-{code}", ErrorClass.FATAL) for code in (401, 402, 403, 404, 405, 407)),
            *((js.status(code), f"http-{code}", ErrorClass.TRANSIENT) for code in (408, 409, 425, 500, 502, 503, 529)),
            *((js.status(code), f"http-{code}", ErrorClass.FINAL) for code in (400, 413, 422)),
            (js.status(429), "rate-limited", ErrorClass.SLOW_DOWN),
            (js.status(429, error={"code": "insufficient_quota"}), "no-quota", ErrorClass.FATAL),
            (js.status(429, error={"type": "billing_not_active"}), "no-quota", ErrorClass.FATAL),
            (js.status(400, error={"code": "content_filter"}), "content-filter", ErrorClass.FINAL),
            (
                js.status(400, error={"innererror": {"code": "ResponsibleAIPolicyViolation"}}),
                "content-filter",
                ErrorClass.FINAL,
            ),
            (
                js.status(403, "gpt-4 requires moderation. It was flagged"),
                "content-filter",
                ErrorClass.FINAL,
            ),
            (js.status(400, "Output blocked by content filtering policy"), "content-filter", ErrorClass.FINAL),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_each_has_one_reason_and_one_class(self, step: Step, reason: str, error: ErrorClass) -> None:
        found = answered(step)
        assert isinstance(found, Failure)
        assert (found.reason, found.error, found.connected) == (reason, error, True)
        assert not found.may_be_billed

    @pytest.mark.parametrize("param", ["temperature", None])
    def test_a_field_that_is_refused_before_anything_was_answered_ends_the_run_with_its_remedy(
        self, param: str | None
    ) -> None:
        said = "Unsupported value: 'temperature' does not support 0."
        found = answered(js.status(400, said, error={"param": param}))
        assert isinstance(found, Failure)
        assert (found.reason, found.error) == ("http-400", ErrorClass.FATAL)
        assert found.detail == (
            "it refuses `temperature`: Unsupported value: 'temperature' does not support 0. Write `temperature: "
            "default` in the study file, which sends none and leaves it to the model, or a value that it takes; or "
            "mend the endpoint, then `polyglot retry`"
        )

    def test_one_that_is_refused_after_that_costs_its_call_alone(self) -> None:
        refusal = js.status(400, "'temperature' is not supported")
        with ScriptedJudge(lambda call: js.reply("ok") if call.nth == 1 else refusal) as server:
            first, second = attempt(server.base_url, times=2)
        assert isinstance(first, Reply)
        assert isinstance(second, Failure)
        assert second.error is ErrorClass.FINAL

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [({}, None), ({"retry_after": "3"}, 3.0), ({"retry_after_ms": "250", "retry_after": "9"}, 0.25)],
    )
    @pytest.mark.parametrize("code", [429, 503])
    def test_the_wait_is_what_the_endpoint_asks(
        self, code: int, headers: dict[str, str], seconds: float | None
    ) -> None:
        found = answered(js.status(code, **headers))
        assert isinstance(found, Failure)
        assert found.wait_seconds == seconds

    def test_what_a_server_says_is_one_short_line_without_the_key(self) -> None:
        found = answered(js.status(401, f"no\n such   key {KEY} " + "ü" * 1000))
        assert isinstance(found, Failure)
        assert found.detail.startswith("the key was refused: no such key [key] üüü")
        assert len(found.detail) < 350


class TestConnection:
    @pytest.mark.parametrize(
        "step", [js.hang(), js.drip(0.05), js.slow(3, js.reply("late"))], ids=["hang", "drip", "late"]
    )
    def test_one_deadline_holds_from_sending_to_the_last_byte(self, step: Step) -> None:
        found = answered(step, seconds=0.4)
        assert isinstance(found, Failure)
        assert (found.reason, found.detail) == ("timeout", "no answer within 0.4 s")
        assert (found.error, found.may_be_billed) == (ErrorClass.TRANSIENT, True)

    @pytest.mark.parametrize("step", [js.reset(), js.truncated()], ids=["reset", "truncated"])
    def test_one_that_breaks_may_have_been_billed(self, step: Step) -> None:
        found = answered(step)
        assert isinstance(found, Failure)
        assert (found.reason, found.error, found.may_be_billed) == ("connection", ErrorClass.TRANSIENT, True)

    def test_one_that_is_refused_never_was_and_costs_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        (found,) = attempt(f"http://127.0.0.1:{port}/v1")
        assert isinstance(found, Failure)
        assert (found.reason, found.connected, found.may_be_billed) == ("unreachable", False, False)
        assert found.detail == f"127.0.0.1:{port}: the connection was refused"
