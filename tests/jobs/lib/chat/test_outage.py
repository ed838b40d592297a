"""An endpoint that is away is waited for, by the real client against a loopback endpoint that stops and comes back."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from jobs.lib.chat.calls import Failure, Reply, Request
from jobs.lib.chat.endpoint import Endpoint
from jobs.lib.chat.request_scheduler import Observer, RequestScheduler
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from polyglot.core.errors import Permanent, PolyglotError
from tests.kit import judge_server as js
from tests.kit.judge_server import Call, ScriptedJudge, Step
from tests.kit.list_journal import ListJournal
from tests.kit.ports import free_port

FEW: dict[str, Any] = {"timeout_seconds": 2.0, "backoff_seconds": 0.01, "concurrency": 4, "attempts": 2}
AWAY_SECONDS = 0.6  # much longer than two attempts take


def requests(number: int) -> list[Request]:
    return [
        Request(model="m", messages=({"role": "user", "content": f"q{n}"},), temperature=0.0, max_tokens=20)
        for n in range(number)
    ]


@dataclass(kw_only=True)
class Asked:
    """One run; `remarks` are told in order, and `on_remark` hears each."""

    journal: ListJournal = field(default_factory=ListJournal)
    on_remark: Callable[[str], Any] = lambda text: None
    stopping: Callable[[], bool] = lambda: False
    settled: list[Reply | Failure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def run(self, url: str, what: Sequence[Request], *, is_probe: bool = False, **changes: Any) -> bool:
        given = CallSettings.of(FEW | changes)
        usage = UsageLog(self.journal, given)
        observer = Observer(
            settled=lambda request, result: self.settled.append(result),
            stopping=lambda: self.stopping(),
            remark=self._remark,
        )
        left = [request for request in what if request.id not in usage.results]
        return RequestScheduler(Endpoint(base_url=url), given, usage, observer, is_probe=is_probe).run(left)

    def _remark(self, text: str) -> None:
        self.remarks.append(text)
        self.on_remark(text)

    @property
    def reasons(self) -> Counter[str]:
        return Counter("reply" if isinstance(each, Reply) else each.reason for each in self.settled)


@contextmanager
def later(asked: Asked, then: Callable[[], Any]) -> Iterator[None]:
    """Do something a while after the first remark said that the endpoint is away."""
    timer = threading.Timer(AWAY_SECONDS, then)
    asked.on_remark = lambda text: timer.start() if text and not timer.ident else None
    yield
    timer.cancel()
    if timer.ident:
        timer.join()


@contextmanager
def back_when_told(port: int, asked: Asked) -> Iterator[list[ScriptedJudge]]:
    """An endpoint that comes up while it is waited for."""
    servers: list[ScriptedJudge] = []
    with ExitStack() as stack:
        judge = ScriptedJudge(lambda call: js.reply("ok"), port=port)
        stack.enter_context(later(asked, lambda: servers.append(stack.enter_context(judge))))
        yield servers


class TestAway:
    def test_an_endpoint_that_goes_away_in_the_middle_is_waited_for_and_told(self) -> None:
        asked, port = Asked(), free_port()
        with back_when_told(port, asked) as servers:
            with ScriptedJudge(lambda call: js.reply("ok"), port=port) as first:
                asked.run(first.base_url, requests(3))
            asked.run(first.base_url, requests(12))
            (second,) = servers
        assert asked.reasons == {"reply": 12}
        assert len(second.calls) == len(set(second.ids)) == 9
        assert asked.remarks[1:] == [""]
        away = asked.remarks[0]
        assert away.startswith(f"http://127.0.0.1:{port}/v1 does not answer since 20")
        assert away.endswith(f"UTC (unreachable: 127.0.0.1:{port}: the connection was refused)")

    def test_a_new_attempt_knows_that_it_was_reached_and_waits_longer_than_for_a_wrong_address(self) -> None:
        asked, port = Asked(), free_port()
        with ScriptedJudge(lambda call: js.reply("ok"), port=port) as first:
            asked.run(first.base_url, requests(1))
        again = Asked(journal=asked.journal)
        with back_when_told(port, again):
            again.run(first.base_url, requests(3), call_deadline_seconds=AWAY_SECONDS / 3)
        assert again.reasons == {"reply": 2}

    def test_one_that_was_never_reached_is_given_up_with_what_to_do(self) -> None:
        asked, port = Asked(), free_port()
        line = (
            rf"^the endpoint at http://127.0.0.1:{port}/v1: unreachable: 127.0.0.1:{port}: the connection was refused; "
            r"it has never answered, for \d+ s now\. Set the address \(base-url in the profile, else the environment\)"
        )
        for is_probe in (False, True):
            with pytest.raises(PolyglotError, match=line) as failed:
                asked.run(
                    f"http://127.0.0.1:{port}/v1",
                    requests(9),
                    is_probe=is_probe,
                    call_deadline_seconds=AWAY_SECONDS / 3,
                )
            assert isinstance(failed.value, Permanent) == is_probe  # behind a probe another attempt may find it back
        assert asked.settled == []

    def test_one_that_comes_up_late_is_waited_for_a_while(self) -> None:
        asked, port = Asked(), free_port()
        with back_when_told(port, asked):
            asked.run(f"http://127.0.0.1:{port}/v1", requests(3))
        assert asked.reasons == {"reply": 3}

    def test_asked_to_stop_it_stops(self) -> None:
        asked = Asked()
        asked.stopping = lambda: bool(asked.remarks)
        assert asked.run(f"http://127.0.0.1:{free_port()}/v1", requests(20)) is False


class TestProxy:
    """The endpoint is behind a proxy, which says 502 to 504, or hangs up, while it is away."""

    @pytest.mark.parametrize("step", [js.status(502), js.status(504), js.reset()], ids=["502", "504", "reset"])
    def test_nothing_is_asked_while_it_is_away(self, step: Step) -> None:
        asked, back = Asked(), threading.Event()
        calls: list[int] = []

        def script(call: Call) -> Step:
            return js.reply("ok") if call.index < 3 or back.is_set() else step

        def is_there() -> bool:
            return len(server.calls) <= 3 or back.is_set()

        def come_back() -> None:
            calls.append(len(server.calls))
            back.set()

        with ScriptedJudge(script, is_there=is_there) as server, later(asked, come_back):
            asked.run(server.base_url, requests(12), call_deadline_seconds=AWAY_SECONDS / 2)
        assert asked.reasons == {"reply": 12}
        assert calls[0] <= 3 + FEW["concurrency"]  # those that were answered, and those in flight when it went
        assert server.looks > 0

    def test_a_call_that_fails_alone_uses_up_its_attempts(self) -> None:
        asked = Asked()
        with ScriptedJudge(lambda call: js.status(502) if call.user == "q1" else js.reply("ok")) as server:
            asked.run(server.base_url, requests(4), attempts=3)
            assert Counter(call.user for call in server.calls) == {"q0": 1, "q1": 3, "q2": 1, "q3": 1}
        assert asked.reasons == {"reply": 3, "http-502": 1}
        assert asked.remarks == []

    def test_one_that_cannot_answer_for_now_uses_up_none(self) -> None:
        asked = Asked()
        with ScriptedJudge(lambda call: js.status(503) if call.nth <= 6 else js.reply("ok")) as server:
            asked.run(server.base_url, requests(1), attempts=1)
            assert len(server.calls) == 7
        assert asked.reasons == {"reply": 1}
