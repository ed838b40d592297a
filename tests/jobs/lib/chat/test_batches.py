"""Many calls by batches through the real client, against a loopback provider, and live calls beside them."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jobs.lib.chat.asking import Asking
from jobs.lib.chat.batch.client import NAME, BatchChat
from jobs.lib.chat.calls import Failure, Reply, Request
from jobs.lib.chat.endpoint import Endpoint
from jobs.lib.chat.request_scheduler import Observer
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from jobs.lib.context import Context
from polyglot.core.errors import OverBudget, Permanent, PolyglotError
from polyglot.engine.budget import _recorded
from tests.kit.batch_server import MISSING, Answer, BatchServer, Course, Line, answered, broken, failed
from tests.kit.judge_server import ScriptedJudge, Usage, reply
from tests.kit.list_journal import ListJournal

QUICK: dict[str, Any] = {"mode": "batch", "batch_poll_seconds": 0.02, "backoff_seconds": 0.01, "timeout_seconds": 20}
PRICES: dict[str, Any] = {"price_usd_per_mtok_prompt": 10.0, "price_usd_per_mtok_completion": 100.0}
TOKENS = Usage()
LIVE_USD = (TOKENS.prompt * 10.0 + TOKENS.completion * 100.0) / 1e6


def requests(number: int, max_tokens: int = 50) -> list[Request]:
    return [
        Request(model="m", messages=({"role": "user", "content": f"q{n}"},), temperature=0.0, max_tokens=max_tokens)
        for n in range(number)
    ]


@dataclass(kw_only=True)
class Stage:
    """A stage with its journal: each `run` is a new start of it, perhaps on another machine."""

    folder: Path
    journal: ListJournal = field(default_factory=ListJournal)
    remarks: list[str] = field(default_factory=list)
    settled: list[tuple[str, Reply | Failure]] = field(default_factory=list)
    stopping: Callable[[], bool] = lambda: False

    def run(self, base_url: str, what: Sequence[Request], *, ours: bool = False, **changes: Any) -> bool:
        """As jobs do: only what has no result is asked."""
        settings = CallSettings.of(QUICK | changes)
        self.usage = UsageLog(self.journal, settings)
        self.settled = []
        observer = Observer(settled=self._settle, stopping=lambda: self.stopping(), remark=self.remarks.append)
        log = logging.getLogger("test")
        key = SimpleNamespace(key="5" * 64)
        context = cast(Context, SimpleNamespace(stage=key, work=self.folder, label="judge m", log=log))
        asking = Asking(context, Endpoint(base_url=base_url, ours=ours), settings, self.usage, observer)
        return asking.run([request for request in what if request.id not in self.usage.results])

    def _settle(self, request: Request, result: Reply | Failure) -> None:
        self.settled.append((request.messages[0]["content"], result))

    @property
    def reasons(self) -> Counter[str]:
        return Counter("reply" if isinstance(each, Reply) else each.reason for _, each in self.settled)

    @property
    def recorded_usd(self) -> float:
        """What the engine's budget counts from the journal."""
        return _recorded(self.journal.records, {})


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(folder=tmp_path)


def echo(line: Line) -> Answer:
    return answered(f"answer to {line.user}")


class TestAnswers:
    def test_each_request_gets_its_own_answer_from_several_batches_at_half_the_price(self, stage: Stage) -> None:
        with BatchServer(answer=echo) as server:
            assert stage.run(server.base_url, requests(25), batch_requests=10, **PRICES) is True
        assert {name: result.text for name, result in stage.settled if isinstance(result, Reply)} == {
            f"q{n}": f"answer to q{n}" for n in range(25)
        }
        assert [len(batch.lines) for batch in server.batches.values()] == [10, 10, 5]
        assert stage.usage.cost_usd == pytest.approx(25 * LIVE_USD / 2)
        assert stage.usage.spent_usd == pytest.approx(stage.recorded_usd)
        assert stage.usage.account()["attempts"] == {"reply": 25}
        assert not list(stage.folder.iterdir())

    def test_names_tell_the_stage_and_stand_in_metadata_and_file(self, stage: Stage) -> None:
        with BatchServer() as server:
            stage.run(server.base_url, requests(3))
        (batch,) = server.batches.values()
        assert batch.name.startswith("polyglot-5555555555555555-")
        assert server.file_names[batch.input_file] == f"{batch.name}.jsonl"

    def test_the_wait_is_told_with_the_provider_s_counts(self, stage: Stage) -> None:
        with BatchServer() as server:
            stage.run(server.base_url, requests(10))
        assert any("batch batch_1 (in_progress) since 20" in said and "5 of 10 calls" in said for said in stage.remarks)
        assert stage.remarks[-1] == ""

    def test_the_built_in_endpoint_is_asked_live(self, stage: Stage) -> None:
        with ScriptedJudge(lambda call: reply("ok")) as server:
            assert stage.run(server.base_url, requests(3), ours=True)
        assert stage.reasons == {"reply": 3}


class TestFailures:
    def test_what_passes_is_asked_again_so_often_and_what_lasts_once(self, stage: Stage) -> None:
        def answer(line: Line) -> Answer:
            sick = {"q0": failed(500), "q1": failed(422, "too long"), "q2": broken("request_timeout")}
            return sick.get(line.user) or (failed(503) if line.user == "q3" and line.nth == 1 else echo(line))

        with BatchServer(answer=answer) as server:
            stage.run(server.base_url, requests(6), attempts=3)
        assert stage.reasons == {"http-500": 1, "http-422": 1, "request-timeout": 1, "reply": 3}
        assert Counter(server.asked.values()) == {3: 2, 2: 1, 1: 3}
        assert [len(batch.lines) for batch in server.batches.values()] == [6, 3, 2]

    def test_of_an_expired_batch_the_answers_are_kept_and_the_rest_asked_again(self, stage: Stage) -> None:
        with BatchServer(course=lambda n: Course(end="expired", done=4) if n == 1 else Course()) as server:
            stage.run(server.base_url, requests(10), **PRICES)
        assert stage.reasons == {"reply": 10}
        assert set(server.billed.values()) == {1}
        assert [len(batch.lines) for batch in server.batches.values()] == [10, 6]
        assert stage.usage.spent_usd == pytest.approx(10 * LIVE_USD / 2)
        assert stage.usage.account()["attempts"] == {"batch-expired": 6, "reply": 10}

    def test_a_batch_that_is_refused_whole_is_told_in_one_line_and_costs_nothing(self, stage: Stage) -> None:
        errors = ({"code": "invalid_json_line", "line": 2, "message": "Not JSON"}, {"code": "x", "message": "more"})
        with BatchServer(course=lambda n: Course(end="failed", errors=errors) if n == 1 else Course()) as server:
            said = (
                r"refused batch batch_1 of 4 calls as a whole: line 2: Not JSON; more\. Nothing of it was asked; mend"
            )
            with pytest.raises(Permanent, match=said):
                stage.run(server.base_url, requests(4), **PRICES)
            assert stage.recorded_usd == 0.0
            assert stage.run(server.base_url, requests(4))
        assert set(server.billed.values()) == {1}

    def test_one_cancelled_by_somebody_ends_the_stage_and_what_it_answered_is_kept(self, stage: Stage) -> None:
        with BatchServer(course=lambda n: Course(end="cancelled", done=3) if n == 1 else Course()) as server:
            with pytest.raises(Permanent, match="batch batch_1 at .* was cancelled by somebody. What it answered is"):
                stage.run(server.base_url, requests(5))
            assert stage.run(server.base_url, requests(5))
        assert set(server.billed.values()) == {1}
        assert len(server.billed) == 5

    def test_a_full_queue_is_waited_for_and_a_batch_that_is_too_large_for_it_made_smaller(self, stage: Stage) -> None:
        full = ({"code": "token_limit_exceeded", "message": "Enqueued token limit reached"},)

        def course(number: int) -> Course:
            return Course(end="failed", errors=full) if len(server.batches) < 2 else Course()

        with BatchServer(course=course) as server:
            assert stage.run(server.base_url, requests(400))
        assert [len(batch.lines) for batch in server.batches.values()] == [400, 200, 100, 200, 100]
        assert stage.reasons == {"reply": 400}

    def test_a_request_without_a_line_is_asked_again_and_counted_at_its_most(self, stage: Stage) -> None:
        with BatchServer(answer=lambda line: MISSING if line.user == "q1" and line.nth == 1 else echo(line)) as server:
            stage.run(server.base_url, requests(3), **PRICES)
        assert stage.reasons == {"reply": 3}
        most = stage.usage.most_usd(requests(2)[1], batched=True)
        assert stage.usage.spent_usd == pytest.approx(3 * LIVE_USD / 2 + most)
        assert stage.recorded_usd == pytest.approx(stage.usage.spent_usd)

    def test_the_newer_name_of_the_limit_is_learnt_and_uses_up_no_attempt(self, stage: Stage) -> None:
        def answer(line: Line) -> Answer:
            if "max_tokens" in line.body:
                said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
                return failed(400, said, param="max_tokens")
            return echo(line)

        with BatchServer(answer=answer) as server:
            stage.run(server.base_url, requests(4), attempts=1)
            assert stage.reasons == {"reply": 4}
            stage.run(server.base_url, requests(6), attempts=1)  # another start knows it from the journal
        assert stage.reasons == {"reply": 2}
        assert len(server.batches) == 3

    @pytest.mark.parametrize(
        ("status", "said"),
        [(401, "http-401: the key was refused"), (404, "It has no batches: write `mode: live`, or ask an endpoint")],
    )
    def test_an_endpoint_that_takes_no_batches_ends_the_stage(self, stage: Stage, status: int, said: str) -> None:
        refusing = BatchServer(before=lambda method, path, nth: failed(status))
        with refusing as server, pytest.raises(Permanent, match=said):
            stage.run(server.base_url, requests(4), **PRICES)
        assert stage.recorded_usd == 0.0

    def test_what_every_call_would_get_ends_the_stage_once_all_answers_are_on_record(self, stage: Stage) -> None:
        sick = BatchServer(answer=lambda line: failed(404) if line.user == "q0" else echo(line))
        with sick as server, pytest.raises(Permanent, match="http-404: no such model or path"):
            stage.run(server.base_url, requests(5))
        assert stage.reasons == {"reply": 4}

    def test_a_batch_that_never_ends_is_left_after_a_while(self, stage: Stage) -> None:
        with BatchServer(course=lambda number: Course(looks=10**6)) as server:
            said = "batch batch_1 at .* is in_progress after 0.0 h, longer than batch-wait-seconds"
            with pytest.raises(PolyglotError, match=said):
                stage.run(server.base_url, requests(2), batch_wait_seconds=1.0)
        assert len(stage.usage.batches.open) == 1

    def test_a_batch_that_the_endpoint_does_not_know_is_not_paid_for_again(self, stage: Stage) -> None:
        stage.stopping = lambda: bool(stage.remarks)
        with BatchServer(course=lambda number: Course(looks=10**6)) as server:
            assert stage.run(server.base_url, requests(2)) is False
            server.forget("batch_1")
            stage.stopping = lambda: False
            with pytest.raises(Permanent, match="knows no batch batch_1, which was created at http://127.*2 calls"):
                stage.run(server.base_url, requests(2))
        assert not server.batches


class TestBudget:
    MOST = CallSettings.of(PRICES).cost_usd(requests(1)[0].prompt_tokens_most, 50) / 2

    def test_a_batch_holds_no_more_than_the_budget_has_left_at_its_most(self, stage: Stage) -> None:
        with BatchServer() as server:
            stage.run(server.base_url, requests(8), max_usd=5.5 * self.MOST, **PRICES)
        assert len(server.batches["batch_1"].lines) == 5
        assert stage.reasons == {"reply": 8}
        assert stage.usage.spent_usd <= 5.5 * self.MOST

    def test_the_stage_ends_where_not_one_more_call_fits(self, stage: Stage) -> None:
        with BatchServer() as server:
            with pytest.raises(OverBudget, match=r"next call of a batch may cost .* Raise budget\.usd"):
                stage.run(server.base_url, requests(100), max_usd=3.5 * self.MOST, **PRICES)
            assert 0 < len(server.billed) < 100
            assert stage.recorded_usd <= 3.5 * self.MOST
            stage.run(server.base_url, requests(100), max_usd=1000.0, **PRICES)
        assert set(server.billed.values()) == {1}
        assert len(server.billed) == 100

    def test_what_open_batches_hold_is_reserved_over_a_restart(self, stage: Stage) -> None:
        stage.stopping = lambda: bool(stage.remarks)
        with BatchServer(course=lambda number: Course(looks=10**6)) as server:
            stage.run(server.base_url, requests(4), **PRICES)
        assert stage.recorded_usd == pytest.approx(4 * self.MOST)
        again = UsageLog(stage.journal, CallSettings.of(QUICK | PRICES))
        assert again.in_batches_usd == pytest.approx(4 * self.MOST)
        assert again.spent_usd == 0.0


class TestStarts:
    def test_asked_to_stop_it_stops_at_once_and_the_next_start_collects_what_went_on(self, stage: Stage) -> None:
        stage.stopping = lambda: any("in_progress" in said for said in stage.remarks)
        with BatchServer(course=lambda number: Course(looks=5)) as server:
            started = time.monotonic()
            assert stage.run(server.base_url, requests(10), batch_poll_seconds=600.0) is False
            assert time.monotonic() - started < 60  # a tenth of what it would have slept
            stage.stopping = lambda: False
            assert stage.run(server.base_url, requests(10)) is True
        assert stage.reasons == {"reply": 10}
        assert len(server.batches) == 1

    @pytest.mark.parametrize("lost", [failed(500), failed(503)])
    def test_a_batch_whose_creation_was_not_heard_of_is_found_among_many(self, stage: Stage, lost: Answer) -> None:
        others = {"input_file_id": "f", "endpoint": "/v1/chat/completions", "completion_window": "24h"}

        def after(method: str, path: str, nth: int) -> Answer | None:
            if (method, path, nth) != ("POST", "/batches", 1):
                return None
            for number in range(7):  # of other people, later
                server.create(others | {"metadata": {"polyglot": f"other-{number}"}})
            return lost

        with BatchServer(after=after, page=3) as server:
            server.files["f"] = b""
            assert stage.run(server.base_url, requests(4))
        assert set(server.billed.values()) == {1}
        assert server.requests["POST", "/batches"] == 1
        assert stage.reasons == {"reply": 4}

    def test_an_upload_that_fails_is_tried_again_and_a_file_that_broke_off_read_again(self, stage: Stage) -> None:
        def before(method: str, path: str, nth: int) -> Answer | None:
            return failed(502) if (path == "/files" or path.endswith("/content")) and nth < 3 else None

        with BatchServer(before=before) as server:
            assert stage.run(server.base_url, requests(4))
        assert stage.reasons == {"reply": 4}
        assert len(server.batches) == 1

    def test_a_batch_of_the_same_requests_that_another_worker_made_is_taken_over(self, stage: Stage) -> None:
        other = Stage(folder=stage.folder)  # its journal is not seen by the first one
        other.stopping = lambda: bool(other.remarks)
        with BatchServer(course=lambda number: Course(looks=6)) as server:
            assert other.run(server.base_url, requests(5)) is False
            assert stage.run(server.base_url, requests(5)) is True
        assert len(server.batches) == 1
        assert stage.reasons == {"reply": 5}

    def test_a_stage_that_is_made_anew_does_not_find_its_old_answers(self, stage: Stage) -> None:
        with BatchServer() as server:
            stage.run(server.base_url, requests(5))
            Stage(folder=stage.folder).run(server.base_url, requests(5))
        assert len(server.batches) == 2


class TestModes:
    def test_what_a_batch_has_answered_is_not_asked_live_nor_the_reverse(self, stage: Stage) -> None:
        with BatchServer() as server:
            stage.run(server.base_url, requests(4))
            stage.run(server.base_url, requests(7), mode="live")
            assert stage.reasons == {"reply": 3}
            stage.run(server.base_url, requests(9))
            assert stage.reasons == {"reply": 2}
        assert server.live == 3
        assert set(server.billed.values()) == {1}
        assert len(server.billed) == 9

    def test_live_takes_over_from_an_open_batch_which_is_cancelled_and_collected_first(self, stage: Stage) -> None:
        stage.stopping = lambda: any("in_progress" in said for said in stage.remarks)
        with BatchServer(course=lambda number: Course(looks=10**6)) as server:
            assert stage.run(server.base_url, requests(10)) is False
            stage.stopping = lambda: False
            assert stage.run(server.base_url, requests(10), mode="live", attempts=1) is True
        assert server.live == 5  # the batch had answered half
        assert set(server.billed.values()) == {1}
        assert stage.reasons == {"reply": 10}
        assert not UsageLog(stage.journal, CallSettings.of(QUICK)).batches.open

    def test_prices_are_those_of_the_way_that_each_call_took(self, stage: Stage) -> None:
        with BatchServer() as server:
            stage.run(server.base_url, requests(4), **PRICES)
            stage.run(server.base_url, requests(6), mode="live", **PRICES)
        assert stage.usage.cost_usd == pytest.approx(4 * LIVE_USD / 2 + 2 * LIVE_USD)
        assert stage.recorded_usd == pytest.approx(stage.usage.cost_usd)


async def _upload_with_key(base_url: str, folder: Path) -> None:
    path = folder / "batch.jsonl"
    path.write_bytes(b"{}\n")
    async with BatchChat(Endpoint(base_url=base_url, key="sk-secret-1"), timeout_seconds=10, connections=2) as chat:
        await chat.upload(path, "x")


def test_the_key_goes_along_and_no_key_sends_none(stage: Stage) -> None:
    import asyncio

    with BatchServer() as server:
        stage.run(server.base_url, requests(1))
        assert server.keys == {None}
        asyncio.run(_upload_with_key(server.base_url, stage.folder))
        assert server.keys == {None, "Bearer sk-secret-1"}
    assert NAME == "polyglot"
