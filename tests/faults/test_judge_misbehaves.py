"""Fault 27: a judge that says 429 or 5xx, hangs, truncates, refuses, talks nonsense: one owner retries, none counts."""

import socket
import time
from collections import Counter
from pathlib import Path

import pytest

from polyglot.core.errors import Permanent, PolyglotError
from tests.kit import judge_server as js
from tests.kit.judge_small import FINE, always, once, run, stage
from tests.kit.judge_stage import records, verdicts

TRANSIENT = {
    "http-500": js.status(500),
    "http-503": js.status(503, retry_after="0.05"),
    "http-529": js.status(529),
    "http-408": js.status(408),
    "timeout": js.hang(),
    "connection": js.reset(),
    "bad-json": js.raw(js.http("200 OK", b'{"choices": [')),
}
TRANSIENT_SHAPES = {
    "truncated body": ("connection", js.truncated()),
    "dripping body": ("timeout", js.drip(0.1)),
    "an HTML page": ("bad-json", js.raw(js.http("200 OK", b"<html>", {"Content-Type": "text/html"}))),
    "an aborted reply": ("finish-abort", js.reply("Rating: [[3]]", finish="abort")),
    "one that ended in an error": ("finish-error", js.reply("Rating: [[3]]", finish="error")),
    "one without an end": ("finish-unknown", js.reply("Rating: [[3]]", finish=None)),
    "one without content": ("no-content", js.reply(None)),
    "an error in a 200": ("error-in-reply", js.raw(js.http("200 OK", b'{"error": {"message": "overloaded"}}'))),
    "no choices": ("bad-json", js.raw(js.http("200 OK", b'{"choices": []}'))),
    "a list": ("bad-json", js.raw(js.http("200 OK", b"[]"))),
    "content of another type": (
        "bad-json",
        js.raw(js.http("200 OK", b'{"choices": [7]}')),
    ),
    "broken gzip": ("connection", js.raw(js.http("200 OK", b"nonsense", {"Content-Encoding": "gzip"}))),
    "not HTTP": ("connection", js.raw(b"220 mail.example ESMTP\r\n\r\n", close=True)),
}


class TestTransient:
    @pytest.mark.parametrize("reason", TRANSIENT)
    def test_is_asked_again_and_scored(self, tmp_path: Path, reason: str) -> None:
        with once(TRANSIENT[reason]) as server:
            context = run(stage(tmp_path, server.base_url, count=2))
        assert [record["score"] for record in verdicts(tmp_path, "DE")] == [7] * 4
        assert set(Counter(server.ids).values()) == {2}
        assert context.volatile["attempts"] == {"reply": 4, reason: 4}

    @pytest.mark.parametrize("shape", TRANSIENT_SHAPES)
    def test_every_shape_of_a_broken_answer_is_asked_again(self, tmp_path: Path, shape: str) -> None:
        reason, step = TRANSIENT_SHAPES[shape]
        with once(step) as server:
            context = run(stage(tmp_path, server.base_url, count=1))
        assert [record["score"] for record in verdicts(tmp_path, "DE")] == [7, 7]
        assert context.volatile["attempts"] == {"reply": 2, reason: 2}

    def test_has_exactly_one_retry_owner(self, tmp_path: Path) -> None:
        root = stage(tmp_path, "", count=1, max_failed_share=1.0)
        with always(js.status(500)) as server:
            run(root, base_url=server.base_url, attempts=3)
        assert sorted(Counter(server.ids).values()) == [3, 3]
        assert [record["reason"] for record in verdicts(root, "DE")] == ["http-500"] * 2

    def test_that_never_ends_fails_the_stage_for_another_attempt_that_asks_only_what_is_missing(
        self, tmp_path: Path
    ) -> None:
        down = True
        with js.ScriptedJudge(
            lambda call: js.status(503) if down and "DE 1 " in call.user else js.reply(FINE)
        ) as server:
            root = stage(tmp_path, server.base_url, count=8)
            with pytest.raises(PolyglotError, match="the judge is not answering: .* http-503 [12]") as failed:
                run(root, attempts=2)
            assert not isinstance(failed.value, Permanent)
            answered = {r["id"] for r in records(root) if r["final"]}
            down, before = False, len(server.calls)
            run(root)
        assert not answered & set(server.ids[before:])
        assert all(record["score"] == 7 for record in verdicts(root, "DE"))

    def test_hanging_is_bounded_by_the_attempts_own_timeout(self, tmp_path: Path) -> None:
        with once(js.drip(0.02)) as server:
            started = time.monotonic()
            run(stage(tmp_path, server.base_url, count=1))
        assert time.monotonic() - started < 15


class TestSlowDown:
    @pytest.mark.parametrize(
        "header",
        [{"retry_after": "1"}, {"retry_after_ms": "800"}],
    )
    def test_retry_after_is_obeyed_by_everyone_and_uses_up_no_attempt(
        self, tmp_path: Path, header: dict[str, str]
    ) -> None:
        moments: list[float] = []

        def script(call: js.Call) -> js.Step:
            moments.append(time.monotonic())
            return js.status(429, **header) if call.index == 0 else js.reply(FINE)

        with js.ScriptedJudge(script) as server:
            run(stage(tmp_path, server.base_url, count=8), attempts=1, concurrency=1)
        assert moments[1] - moments[0] >= 0.8
        assert all(record["score"] == 7 for record in verdicts(tmp_path, "DE"))

    def test_calls_in_flight_settle_below_what_the_endpoint_bears(self, tmp_path: Path) -> None:
        limiter = js.Limiter(limit=6, latency=0.1)  # long beside the pauses of a busy machine
        with js.ScriptedJudge(limiter) as server:
            context = run(stage(tmp_path, server.base_url, count=100), concurrency=64)
        assert all(record["score"] == 7 for record in verdicts(tmp_path, "DE"))
        assert context.volatile["slow_downs"] >= 1
        assert limiter.refused < 60
        assert context.volatile["calls_in_flight_at_most"] <= 32

    def test_a_wait_longer_than_a_calls_deadline_ends_the_attempt_at_once(self, tmp_path: Path) -> None:
        with always(js.status(429, "daily limit", retry_after="86400")) as server:
            root = stage(tmp_path, server.base_url)
            started = time.monotonic()
            with pytest.raises(PolyglotError, match="asks to wait 86400 s, more than call_deadline_seconds 20: daily"):
                run(root)
        assert time.monotonic() - started < 15  # not after its call's deadline

    def test_429s_without_end_end_with_the_calls_deadline(self, tmp_path: Path) -> None:
        with always(js.status(429)) as server:
            root = stage(tmp_path, server.base_url, count=1)
            with pytest.raises(PolyglotError, match="not answering: .*rate-limited"):
                run(root, call_deadline_seconds=1)


SOON = {"call_deadline_seconds": 1.0}  # an endpoint that has never answered gets no longer


class TestFatal:
    @pytest.mark.parametrize(
        ("step", "message"),
        [
            (js.status(401, "bad key"), "http-401: the key was refused: bad key"),
            (js.status(403, "not you"), "http-403: the key may not do this: not you"),
            (js.status(404, "no model judge-1", error={"code": "model_not_found"}), "http-404: no such model or path"),
            (js.status(402), "http-402: payment is required"),
            (
                js.status(429, "You exceeded your quota", error={"code": "insufficient_quota"}, retry_after="1"),
                "no-quota: the account has no credit left: You exceeded your quota",
            ),
            (
                js.status(307, location="https://elsewhere.example/v1?secret=1"),
                "redirects to https://elsewhere.example:",
            ),
        ],
    )
    def test_ends_at_once_in_one_line(self, tmp_path: Path, step: js.Step, message: str) -> None:
        with always(step) as server:
            root = stage(tmp_path, server.base_url, count=20)
            with pytest.raises(Permanent) as failed:
                run(root)
        assert message in str(failed.value)
        assert "\n" not in str(failed.value)
        assert "secret" not in str(failed.value)
        assert len(server.calls) <= 8

    def test_a_refused_connection_is_named(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        root = stage(tmp_path, f"http://127.0.0.1:{port}/v1", settings=SOON)
        with pytest.raises(PolyglotError, match=rf"unreachable: 127\.0\.0\.1:{port}: the connection was refused"):
            run(root)

    def test_an_unresolvable_name_is_named(self, tmp_path: Path) -> None:
        root = stage(tmp_path, "http://judge.invalid/v1", settings=SOON)
        with pytest.raises(PolyglotError, match=r"unreachable: judge\.invalid: its name cannot be resolved"):
            run(root)

    def test_tls_spoken_to_a_plain_server_is_named(self, tmp_path: Path) -> None:
        with always(js.reply(FINE)) as server:
            root = stage(tmp_path, server.base_url.replace("http:", "https:"), settings=SOON)
            with pytest.raises(PolyglotError, match="unreachable: .*: the TLS handshake failed"):
                run(root)


class TestUnscored:
    @pytest.mark.parametrize(
        ("step", "reason"),
        [
            (js.reply("I will not say."), "no-verdict"),
            (js.reply("Bewertung: sieben"), "no-verdict"),
            (js.reply("Rating: [[42]]"), "out-of-range"),
            (js.reply("The answer is", finish="length"), "truncated"),
            (js.reply("I'm sorry, but I can't help with that."), "refused"),
            (js.reply(None, refusal="I can't help with that."), "refused"),
            (js.reply(None, finish="content_filter"), "content-filter"),
            (js.status(400, "filtered", error={"code": "content_filter"}), "content-filter"),
            (js.status(400, "context length exceeded", error={"code": "context_length_exceeded"}), "http-400"),
            (js.status(422, "no"), "http-422"),
        ],
    )
    def test_is_a_record_with_a_reason_asked_once(self, tmp_path: Path, step: js.Step, reason: str) -> None:
        def script(call: js.Call) -> js.Step:
            return step if "1 second?" in call.user else js.reply(FINE)

        with js.ScriptedJudge(script) as server:
            run(stage(tmp_path, server.base_url, count=4, max_failed_share=0.2))
        written = verdicts(tmp_path, "DE")
        assert [(r["id"], r["turn"], r["score"], r["reason"]) for r in written if r["reason"]] == [
            ("1", 2, None, reason)
        ]
        assert sum(r["score"] == 7 for r in written) == 7
        assert len(server.calls) == 8

    def test_above_the_share_fails_the_stage_with_the_commonest_reasons_and_keeps_the_records(
        self, tmp_path: Path
    ) -> None:
        def script(call: js.Call) -> js.Step:
            return js.reply("Hm.") if call.index % 2 else js.reply(FINE)

        with js.ScriptedJudge(script) as server:
            root = stage(tmp_path, server.base_url, count=10, max_failed_share=0.1)
            with pytest.raises(
                Permanent, match=r"\d of 20 verdicts failed so far, .* 0\.1 allows: no-verdict \d; first DE "
            ):
                run(root)
            asked = len(server.calls)
            with pytest.raises(Permanent, match=r"no-verdict \d"):
                run(root)
        assert asked < 20
        assert len(server.calls) == asked
        assert not (root / "out" / "verdicts").exists()
        assert sum(record["final"] for record in records(root)) >= 3

    @pytest.mark.parametrize(
        ("error", "line"),
        [
            ({"param": "temperature"}, "it refuses `temperature`: .* Write `temperature: default` in"),
            ({"param": None}, "it refuses `temperature`: .* Write `temperature: default` in"),
            (
                {"param": None, "message": "bad request"},
                r"http-400 1; .*\(bad request\).* Mend the endpoint, ",
            ),
        ],
    )
    def test_an_endpoint_that_was_mended_is_asked_anew_for_what_it_refused(
        self, tmp_path: Path, error: dict[str, str | None], line: str
    ) -> None:
        mended = [False]

        def script(call: js.Call) -> js.Step:
            said = error.get("message") or "'temperature' is not supported with this model"
            return js.reply(FINE) if mended[0] else js.status(400, said, error=error)

        with js.ScriptedJudge(script) as server:
            root = stage(tmp_path, server.base_url, count=3, settings={"concurrency": 1})
            with pytest.raises(Permanent, match=line) as refused:
                run(root)
            assert "then `polyglot retry`" in str(refused.value)
            mended[0] = True
            run(root)
        assert [row["score"] for row in verdicts(root, "DE")] == [7] * 6

    def test_a_failure_on_record_is_asked_anew_and_a_reply_is_not(self, tmp_path: Path) -> None:
        mended = [False]

        def script(call: js.Call) -> js.Step:
            return js.status(422, "no") if "DE 2 first?" in call.user and not mended[0] else js.reply(FINE)

        with js.ScriptedJudge(script) as server:
            root = stage(tmp_path, server.base_url, count=4, settings={"concurrency": 1})
            with pytest.raises(Permanent, match="http-422 1"):
                run(root)
            mended[0] = True
            run(root)
            assert Counter(Counter(server.ids).values()) == {1: 7, 2: 1}
        assert [row["score"] for row in verdicts(root, "DE")] == [7] * 8

    def test_another_share_keeps_what_was_answered(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply("Hm." if "DE 1 first?" in call.user else FINE)) as server:
            root = stage(tmp_path, server.base_url, count=4)
            with pytest.raises(Permanent, match="or raise max-failed-share; then `polyglot retry` asks"):
                run(root, concurrency=1)
            context = run(root, max_failed_share=0.5)
            assert len(server.calls) == len(set(server.ids)) == 8
        assert context.metrics == {"verdicts": 8, "failed": 2}

    def test_a_share_just_allowed_is_committed_and_counted(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply("Hm." if "DE 1 first?" in call.user else FINE)) as server:
            context = run(stage(tmp_path, server.base_url, count=10, max_failed_share=0.1))
        assert context.metrics == {"verdicts": 20, "failed": 2}
