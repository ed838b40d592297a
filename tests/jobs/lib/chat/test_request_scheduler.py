"""Many calls at once through the real client, against a loopback endpoint: retries, pace, caps, budget, stopping."""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.lib.chat.calls import Failure, Reply, Request
from jobs.lib.chat.endpoint import Endpoint
from jobs.lib.chat.request_scheduler import Observer, RequestScheduler
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from polyglot.core.errors import OverBudget, Permanent, PolyglotError
from tests.kit import judge_server as js
from tests.kit.judge_server import Call, Limiter, ScriptedJudge, Step
from tests.kit.list_journal import ListJournal

QUICK: dict[str, Any] = {"timeout_seconds": 2.0, "backoff_seconds": 0.01, "concurrency": 8, "call_deadline_seconds": 20}
DEAR: dict[str, Any] = {"price_usd_per_mtok_prompt": 1e6, "price_usd_per_mtok_completion": 1e6}  # a dollar a token


def requests(number: int, max_tokens: int = 20) -> list[Request]:
    return [
        Request(model="m", messages=({"role": "user", "content": f"q{n}"},), temperature=0.0, max_tokens=max_tokens)
        for n in range(number)
    ]


@dataclass(kw_only=True)
class Asked:
    """One run. `settled` has the results by what was asked, in the order in which they came."""

    journal: ListJournal = field(default_factory=ListJournal)
    settled: list[tuple[str, Reply | Failure]] = field(default_factory=list)
    stopping: Callable[[], bool] = lambda: False
    ended: bool | None = None
    usage: UsageLog | None = None
    scheduler: RequestScheduler | None = None

    def run(self, server: ScriptedJudge, what: Sequence[Request], **changes: Any) -> "Asked":
        given = CallSettings.of(QUICK | changes)
        self.usage = UsageLog(self.journal, given)
        observer = Observer(settled=self._settle, stopping=lambda: self.stopping())
        self.scheduler = RequestScheduler(Endpoint(base_url=server.base_url), given, self.usage, observer)
        self.ended = self.scheduler.run(what)
        return self

    def _settle(self, request: Request, result: Reply | Failure) -> None:
        self.settled.append((request.messages[0]["content"], result))

    @property
    def reasons(self) -> Counter[str]:
        return Counter("reply" if isinstance(each, Reply) else each.reason for _, each in self.settled)


def first(step: Step, times: int = 1) -> Callable[[Call], Step]:
    """Misbehave the first so many times for each request."""
    return lambda call: step if call.nth <= times else js.reply(f"answer to {call.user}")


class TestRetries:
    def test_each_request_is_settled_once_with_its_own_answer(self) -> None:
        with ScriptedJudge(first(js.status(503))) as server:
            asked = Asked().run(server, requests(20))
            assert len(server.calls) == 40
        assert asked.ended is True
        assert len(asked.settled) == 20
        assert {name: result.text for name, result in asked.settled if isinstance(result, Reply)} == {
            f"q{n}": f"answer to q{n}" for n in range(20)
        }

    def test_a_failure_that_passes_is_tried_so_often_and_one_that_lasts_once(self) -> None:
        def script(call: Call) -> Step:
            return {"q0": js.status(500), "q1": js.status(422)}.get(call.user, js.reply("ok"))

        with ScriptedJudge(script) as server:
            asked = Asked().run(server, requests(3), attempts=3)
            assert Counter(call.user for call in server.calls) == {"q0": 3, "q1": 1, "q2": 1}
        assert asked.reasons == {"http-500": 1, "http-422": 1, "reply": 1}

    def test_waits_double_with_at_most_half_of_jitter(self) -> None:
        arrivals: list[float] = []

        def script(call: Call) -> Step:
            arrivals.append(time.monotonic())
            return js.status(500)

        with ScriptedJudge(script) as server:
            Asked().run(server, requests(1), attempts=4, backoff_seconds=0.2)
        gaps = [after - before for before, after in zip(arrivals, arrivals[1:], strict=False)]
        assert len(gaps) == 3
        for number, gap in enumerate(gaps):
            assert gap >= 0.1 * 2**number - 0.005

    def test_being_told_to_slow_down_uses_up_no_attempt(self) -> None:
        with ScriptedJudge(first(js.status(429, retry_after="0.01"), times=7)) as server:
            asked = Asked().run(server, requests(1), attempts=1)
            assert len(server.calls) == 8
        assert asked.reasons == {"reply": 1}

    def test_an_address_without_v1_and_a_limit_of_another_name_use_up_no_attempt(self) -> None:
        def script(call: Call) -> Step:
            if not call.path.startswith("/v1/"):
                return js.status(404)
            return js.status(400, "unknown field max_tokens") if "max_tokens" in call.body else js.reply("ok")

        with ScriptedJudge(script) as server:
            server.base_url = server.base_url.removesuffix("/v1")
            asked = Asked().run(server, requests(6), attempts=1)
        assert asked.reasons == {"reply": 6}

    def test_the_calls_own_deadline_ends_what_never_ends(self) -> None:
        with ScriptedJudge(lambda call: js.status(429, retry_after="0.2")) as server:
            asked = Asked().run(server, requests(2), call_deadline_seconds=1.0)
            assert 2 <= len(server.calls) <= 14
        assert asked.reasons == {"rate-limited": 2}

    def test_a_wait_beyond_the_deadline_ends_the_run_for_another_attempt(self) -> None:
        said = "asks to wait 3600 s, more than call_deadline_seconds 20"
        busy = ScriptedJudge(lambda call: js.status(503, retry_after="3600"))
        with busy as server, pytest.raises(PolyglotError, match=said):
            Asked().run(server, requests(3))

    @pytest.mark.parametrize("status", [401, 404])
    def test_what_no_call_can_pass_ends_the_run_at_once(self, status: int) -> None:
        with ScriptedJudge(lambda call: js.status(status)) as server:
            with pytest.raises(Permanent, match=f"the endpoint at .*: http-{status}: "):
                Asked().run(server, requests(100))
            assert len(server.calls) <= QUICK["concurrency"]

    def test_an_endpoint_that_was_reached_has_an_outage_and_its_calls_fail_one_by_one(self) -> None:
        with ScriptedJudge(lambda call: js.reset()) as server:
            asked = Asked().run(server, requests(3), attempts=5)
        assert asked.reasons == {"connection": 3}


class TestPace:
    def test_no_more_are_in_flight_than_the_ceiling(self) -> None:
        with ScriptedJudge(lambda call: js.reply("ok", after=0.02)) as server:
            asked = Asked().run(server, requests(60), concurrency=5)
            assert server.peak == 5
        assert asked.scheduler is not None
        assert asked.scheduler.peak == 5

    def test_an_endpoint_with_a_limit_of_its_own_gets_all_done_with_few_refusals(self) -> None:
        limiter = Limiter(limit=6, latency=0.02)
        with ScriptedJudge(limiter) as server:
            asked = Asked().run(server, requests(150), concurrency=32)
        assert asked.reasons == {"reply": 150}
        assert limiter.refused < 75
        assert asked.scheduler is not None
        assert asked.scheduler.cuts >= 1

    @pytest.mark.parametrize("retry_after", [None, "1", "3"])
    def test_one_of_16_in_flight_hears_of_few_calls_too_many(self, retry_after: str | None) -> None:
        limiter = Limiter(limit=16, latency=0.05, retry_after=retry_after)
        with ScriptedJudge(limiter) as server:
            asked = Asked().run(server, requests(320), concurrency=64)
        assert asked.reasons == {"reply": 320}
        assert limiter.refused < 100

    def test_no_more_are_sent_than_remain_before_the_reset_that_the_endpoint_tells(self) -> None:
        """A window of a second takes ten calls, and tells so; what is beyond is refused."""
        opened, used, refused = 0.0, 0, 0
        document = json.dumps(js.completion("ok")).encode()

        def script(call: Call) -> Step:
            nonlocal opened, used, refused
            if time.monotonic() >= opened + 1:
                opened, used = time.monotonic(), 0
            used += 1
            left = {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": str(max(0, 10 - used))}
            left["x-ratelimit-reset-requests"] = f"{int(1000 * (opened + 1 - time.monotonic())) + 1}ms"
            refused += used > 10
            return js.raw(js.http("429 X" if used > 10 else "200 OK", document, left))

        with ScriptedJudge(script) as server:
            asked = Asked().run(server, requests(35), concurrency=4)
        assert asked.reasons == {"reply": 35}
        assert refused == 0

    @pytest.mark.parametrize(
        "told",
        [
            {"x-ratelimit-remaining-requests": "0"},
            {"x-ratelimit-limit-tokens": "-1", "x-ratelimit-remaining-tokens": "-1", "x-ratelimit-reset-tokens": "0"},
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999999999999"},
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1970-01-01T00:00:00Z"},
            {"x-ratelimit-remaining": "nan", "x-ratelimit-reset": "soon", "retry-after": "-1"},
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "100ms"},
        ],
    )
    def test_nonsense_about_limits_holds_nobody_up(self, told: dict[str, str]) -> None:
        fine = js.raw(js.http("200 OK", json.dumps(js.completion("ok")).encode(), told))
        with ScriptedJudge(lambda call: fine) as server:
            asked = Asked().run(server, requests(40))
        assert asked.reasons == {"reply": 40}

    def test_requests_a_minute_hold_beyond_a_second_of_burst(self) -> None:
        arrivals: list[float] = []

        def script(call: Call) -> Step:
            arrivals.append(time.monotonic())
            return js.reply("ok")

        with ScriptedJudge(script) as server:
            Asked().run(server, requests(30), requests_per_minute=600)  # ten a second, after ten at once
        assert arrivals[-1] - arrivals[0] >= 1.85

    def test_tokens_a_minute_hold_as_the_endpoint_counts_them(self) -> None:
        """Each answer has 120 tokens; 6,000 a minute are 100 a second."""
        began = time.monotonic()
        with ScriptedJudge(lambda call: js.reply("ok")) as server:
            Asked().run(server, requests(4), tokens_per_minute=6000, concurrency=1)
        assert time.monotonic() - began >= (3 * 120 - 100) / 100 - 0.05


class TestBudget:
    def test_no_call_leaves_that_the_budget_could_not_pay(self) -> None:
        """A call may cost 66 dollars for its prompt and 20 for its answer, and costs 12."""
        (sample,) = requests(1)
        most = sample.prompt_tokens_most + sample.max_tokens
        usage = js.Usage(prompt=8, completion=4)
        with ScriptedJudge(lambda call: js.reply("ok", after=0.02, usage=usage)) as server:
            asked = Asked()
            with pytest.raises(OverBudget, match=r"the next call may cost .* of 100\.0000 USD are spent"):
                asked.run(server, requests(20), max_usd=100.0, **DEAR)
            assert server.peak * most <= 100
            assert len(server.calls) == 1 + (100 - most) // 12
        assert asked.usage is not None
        assert asked.usage.spent_usd == 12 * len(asked.settled) <= 100

    def test_what_may_have_been_billed_counts_at_the_most_that_it_can_be(self) -> None:
        (request,) = requests(1)
        with ScriptedJudge(first(js.truncated())) as server:
            asked = Asked().run(server, [request], **DEAR)
        assert asked.usage is not None
        assert asked.usage.cost_usd == 120
        assert asked.usage.cost_usd_unseen == request.prompt_tokens_most + request.max_tokens

    @pytest.mark.parametrize(
        "usage",
        [
            None,
            {},
            {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
            {"total_tokens": 120},
            {"prompt_tokens": -100, "completion_tokens": -20},
            {"prompt_tokens": "many", "completion_tokens": 1.5},
        ],
    )
    def test_a_reply_whose_tokens_nobody_counted_costs_the_most_that_it_can(self, usage: Any) -> None:
        document = json.dumps(js.completion("ok") | {"usage": usage}).encode()
        prices = {"price_usd_per_mtok_prompt": 100.0, "price_usd_per_mtok_completion": 1000.0}
        asked = Asked()
        with ScriptedJudge(lambda call: js.raw(js.http("200 OK", document))) as server:
            with pytest.raises(OverBudget, match=r"of 0\.5000 USD are spent"):
                asked.run(server, requests(40), max_usd=0.5, **prices)
            sent = len(server.calls)
        assert asked.usage is not None
        by_id = {request.id: request for request in requests(40)}
        most = [(by_id[id_].prompt_tokens_most * 100 + 20 * 1000) / 1e6 for id_ in server.ids]
        assert sent == int(0.5 / most[0]) < 40
        assert asked.usage.spent_usd == pytest.approx(sum(most))
        assert asked.usage.account()["replies_without_usage"] == sent
        assert UsageLog(asked.journal, CallSettings.of(QUICK | prices)).spent_usd == asked.usage.spent_usd

    def test_of_a_reply_whose_text_alone_is_uncounted_only_that_is_unknown(self) -> None:
        document = json.dumps(js.completion("ok") | {"usage": {"prompt_tokens": 7}}).encode()
        with ScriptedJudge(lambda call: js.raw(js.http("200 OK", document))) as server:
            asked = Asked().run(server, requests(1), **DEAR)
        assert asked.usage is not None
        assert (asked.usage.cost_usd, asked.usage.cost_usd_unseen) == (7, 20)

    def test_every_paid_call_is_on_record_before_it_leaves(self) -> None:
        asked = Asked()

        def script(call: Call) -> Step:
            assert call.id in {record["id"] for record in asked.journal.records if record["outcome"] == "sent"}
            return js.reply("ok")

        with ScriptedJudge(script) as server:
            asked.run(server, requests(12))
        assert asked.reasons == {"reply": 12}

    def test_another_run_over_the_same_record_knows_results_and_costs(self) -> None:
        with ScriptedJudge(first(js.status(500))) as server:
            asked = Asked().run(server, requests(5), **DEAR)
        again = UsageLog(asked.journal, CallSettings.of(QUICK | DEAR))
        assert asked.usage is not None
        assert again.results == asked.usage.results
        assert again.account() == asked.usage.account() | {"resumed_calls": 5}


class TestStopping:
    def test_what_is_in_flight_ends_and_nothing_follows(self) -> None:
        asked = Asked()
        asked.stopping = lambda: bool(asked.settled)
        with ScriptedJudge(lambda call: js.reply("ok", after=0.3)) as server:
            asked.run(server, requests(50), concurrency=4)
            assert len(server.calls) == len(asked.settled)
        assert asked.ended is False
        assert 4 <= len(asked.settled) <= 8

    def test_a_wait_is_left_at_once(self) -> None:
        began = time.monotonic()
        asked = Asked(stopping=lambda: time.monotonic() - began > 0.3)
        with ScriptedJudge(lambda call: js.status(503, retry_after="15")) as server:
            asked.run(server, requests(2))
        assert asked.ended is False
        assert time.monotonic() - began < 14

    def test_what_the_caller_raises_ends_the_run(self) -> None:
        class Enough(Exception):
            pass

        def settle(request: Request, result: Reply | Failure) -> None:
            raise Enough

        with ScriptedJudge(lambda call: js.reply("ok", after=0.01)) as server:
            given = CallSettings.of(QUICK)
            observer = Observer(settled=settle, stopping=lambda: False)
            scheduler = RequestScheduler(
                Endpoint(base_url=server.base_url), given, UsageLog(ListJournal(), given), observer
            )
            with pytest.raises(Enough):
                scheduler.run(requests(100))
            assert len(server.calls) <= 2 * QUICK["concurrency"]


FAULTS = {
    "ok": lambda: js.reply("ok"),
    "500": lambda: js.status(500),
    "429": lambda: js.status(429, retry_after="0.01"),
    "422": lambda: js.status(422),
    "reset": js.reset,
    "truncated": js.truncated,
    "nonsense": lambda: js.raw(js.http("200 OK", b"{}")),
}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from(sorted(FAULTS)), max_size=5), min_size=1, max_size=12))
def test_whatever_happens_every_request_is_settled_once_and_every_attempt_is_on_record(plans: list[list[str]]) -> None:
    """A request has the faults of its plan, one after the other, and a reply after them."""

    def script(call: Call) -> Step:
        plan = [*plans[int(call.user[1:])], "ok"]
        return FAULTS[plan[min(call.nth, len(plan)) - 1]]()

    def expected(plan: list[str]) -> tuple[str, int]:
        passing = 0
        for number, fault in enumerate([*plan, "ok"], start=1):
            if fault in ("ok", "422"):
                return {"ok": "reply", "422": "http-422"}[fault], number
            passing += fault != "429"
            if passing == 3:
                return {"500": "http-500", "nonsense": "bad-json"}.get(fault, "connection"), number
        raise AssertionError

    with ScriptedJudge(script) as server:
        asked = Asked().run(server, requests(len(plans)), attempts=3, backoff_seconds=0.001)
        sent = Counter(call.user for call in server.calls)
    found = {name: "reply" if isinstance(each, Reply) else each.reason for name, each in asked.settled}
    assert len(asked.settled) == len(found) == len(plans)
    for number, plan in enumerate(plans):
        assert (found[f"q{number}"], sent[f"q{number}"]) == expected(plan)
    assert asked.usage is not None
    assert asked.usage.attempts.total() == len(server.calls)
