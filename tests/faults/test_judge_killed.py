"""Fault 28: a judge killed at any moment, or timed out after the answer was made: nothing on record is asked again."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from polyglot.core.canonical import sha256_file
from polyglot.core.errors import Interrupted, OverBudget, Permanent
from tests.kit import judge_server as js
from tests.kit.judge_small import FINE, pairs, run, stage
from tests.kit.judge_stage import context, journal, records, verdicts

CHECKOUT = Path(__file__).parents[2]


def start(root: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.kit.judge_stage", str(root)], cwd=CHECKOUT)


def graded(call: js.Call) -> js.Step:
    """A verdict that depends on nothing but the request, after a while."""
    return js.reply(f"Rating: [[{1 + int(call.id[:8], 16) % 10}]]", after=0.02)


def digests(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): sha256_file(p) for p in sorted((root / "out").rglob("*")) if p.is_file()}


def final(root: Path) -> set[str]:
    """The calls whose answer is on record."""
    return {record["id"] for record in records(root) if record["final"]}


def compared(call: js.Call) -> js.Step:
    """The same for a pair."""
    return js.reply(f"[[{'ABCD'[int(call.id[:8], 16) % 4]}]]", after=0.02)


class TestKilled:
    @pytest.mark.parametrize(("build", "graded", "count"), [(stage, graded, 100), (pairs, compared, 50)])
    def test_nothing_on_record_is_asked_again_and_the_result_is_that_of_an_undisturbed_run(
        self, tmp_path: Path, build: Callable[..., Path], graded: js.Script, count: int
    ) -> None:
        with js.ScriptedJudge(graded) as server:
            calm = build(tmp_path / "calm", server.base_url, count=count)
            run(calm)
        chance = random.Random(20)
        answered = 0.0  # calls beyond this many hang, so that no pause of this process lets the stage end
        with js.ScriptedJudge(lambda call: graded(call) if call.index < answered else js.hang()) as server:
            root = build(tmp_path / "killed", server.base_url, count=count, settings={"timeout_seconds": 10})
            kills = []  # how many calls had arrived, and what was on record
            num_on_record = 0
            for _ in range(4):
                answered = len(server.calls) + chance.randint(25, 40)
                process = start(root)
                while len(server.calls) < answered or len(final(root)) <= num_on_record:
                    assert process.poll() is None
                    time.sleep(0.002)
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills.append((len(server.calls), final(root)))
                num_on_record = len(kills[-1][1])
            answered = float("inf")
            last = start(root)
            assert last.wait(60) == 0
        sizes = [len(on_record) for _, on_record in kills]
        assert 0 < sizes[0] < sizes[1] < sizes[2] < sizes[3] < 200
        for asked, on_record in kills:
            assert not on_record & set(server.ids[asked:])
        assert Counter(server.ids).keys() == {record["id"] for record in records(root)}
        (calm_out, killed_out) = (digests(calm), digests(root))
        assert calm_out == killed_out

    def test_asked_to_stop_leaves_soon_with_everything_on_record(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply(FINE, after=0.05)) as server:
            root = stage(tmp_path, server.base_url, count=100)
            stopping = context(root)
            watched = stopping.progress

            def progress(done: int, total: int, unit: str, **figures: float) -> None:
                watched(done, total, unit, **figures)
                stopping.stop = True

            stopping.progress = progress  # type: ignore[method-assign]
            from jobs.judge import job as judge

            started = time.monotonic()
            with pytest.raises(Interrupted):
                judge.run(stopping)
            assert time.monotonic() - started < 20
            asked = list(server.ids)
            assert 0 < len(asked) < 200
            resumed = run(root)
        assert {r["id"] for r in records(root)} == set(server.ids)
        assert len(server.calls) == 200  # those in flight at the stop were let come in
        assert resumed.volatile["resumed_calls"] == len(asked)

    def test_a_call_that_hangs_delays_a_stop_by_seconds_only(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.hang()) as server:
            stopping = context(stage(tmp_path, server.base_url), timeout_seconds=100)
            stopping.stop = True
            from jobs.judge import job as judge

            started = time.monotonic()
            with pytest.raises(Interrupted):
                judge.run(stopping)
        assert time.monotonic() - started < 50  # half of its timeout


class TestCost:
    PRICES = {"price_usd_per_mtok_prompt": 10.0, "price_usd_per_mtok_completion": 100.0}
    CALL_USD = 100 * 10e-6 + 20 * 100e-6  # the scripted server counts 100 and 20 tokens

    def test_a_timeout_after_the_answer_was_made_is_asked_again_and_its_cost_bounded(self, tmp_path: Path) -> None:
        late = js.reply(FINE, after=5.0)  # beyond the attempt's 3 s
        with js.ScriptedJudge(lambda call: late if call.nth == 1 else js.reply(FINE)) as server:
            ran = run(stage(tmp_path, server.base_url, count=1, settings=self.PRICES))
        assert set(Counter(server.ids).values()) == {2}
        assert ran.volatile["cost_usd"] == pytest.approx(2 * self.CALL_USD)
        assert ran.volatile["cost_usd_unseen_at_most"] > 2 * 2048 * 100e-6
        assert [r["score"] for r in verdicts(tmp_path, "DE")] == [7, 7]

    def test_the_first_record_of_a_request_is_its_verdict_and_every_records_cost_counts(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply("Rating: [[3]]")) as server:
            root = stage(tmp_path, server.base_url, count=1, settings=self.PRICES)
            run(root)
        with journal(root) as other:
            for record in records(root):  # a second worker, unseen by the first, had asked too
                other.append(record | {"text": "Rating: [[9]]"})
        ran = run(root, base_url="http://127.0.0.1:9/v1")  # nothing is left to ask
        assert [r["score"] for r in verdicts(root, "DE")] == [3, 3]
        assert ran.volatile["cost_usd"] == pytest.approx(4 * self.CALL_USD)

    def test_calls_in_flight_at_a_kill_are_counted_at_the_most_that_they_may_cost(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.hang()) as server:
            root = stage(tmp_path, server.base_url, count=2, settings=self.PRICES | {"timeout_seconds": 60})
            process = start(root)
            while len(server.calls) < 4 and process.poll() is None:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert {record["outcome"] for record in records(root)} == {"sent"}
        with js.ScriptedJudge(lambda call: js.reply(FINE)) as server:
            ran = run(root, base_url=server.base_url)
        assert ran.volatile["attempts"] == {"lost": 4, "reply": 4}
        assert ran.volatile["cost_usd"] == pytest.approx(4 * self.CALL_USD)
        assert 4 * 2048 * 100e-6 < ran.volatile["cost_usd_unseen_at_most"] < 4 * (2048 * 100e-6 + 0.01)
        assert run(root).volatile["attempts"] == {"lost": 4, "reply": 4}

    def test_cost_survives_a_restart_and_is_in_no_file(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply(FINE)) as server:
            root = stage(tmp_path, server.base_url, count=3, settings=self.PRICES)
            first = run(root).volatile["cost_usd"]
            assert run(root).volatile["cost_usd"] == first == pytest.approx(6 * self.CALL_USD)
        for path in (root / "out").rglob("*.json*"):
            assert not any(word in path.read_text() for word in ("usd", "latency", "attempt", "time"))

    def test_the_budget_holds_and_says_what_is_spent(self, tmp_path: Path) -> None:
        most = 2048 * 100e-6 + 0.01
        with js.ScriptedJudge(lambda call: js.reply(FINE, after=0.01)) as server:
            root = stage(tmp_path, server.base_url, count=50, settings=self.PRICES)
            said = r"budget: the next call may cost 0\.20\d+ USD, 0\.\d+ of 0\.3000 USD.*Raise budget\.usd"
            with pytest.raises(OverBudget, match=said):
                run(root, max_usd=0.3)
            spent = len(server.calls) * self.CALL_USD
            assert 0.3 - most < spent <= 0.3
            run(root, max_usd=10.0)
        assert len(server.calls) == 100

    def test_a_budget_without_prices_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match="max_usd bounds nothing without prices"):
            run(stage(tmp_path, "http://127.0.0.1:9/v1"), max_usd=1.0)


def test_equal_requests_are_asked_once(tmp_path: Path) -> None:
    from tests.kit import judge_rows, judge_stage

    questions = [row | {"turns": ["Same?", "Again?"]} for row in judge_rows.questions("DE", 5)]
    turns = [judge_rows.spoken("a"), judge_rows.spoken("b")]
    answers = [row | {"turns": turns} for row in judge_rows.answers(questions, samples=2)]
    with js.ScriptedJudge(lambda call: js.reply(FINE)) as server:
        root = judge_stage.build(
            tmp_path,
            questions={"DE": questions},
            answers={"DE": answers},
            prompts={"DE": judge_rows.prompt_file(tmp_path / "p.jsonl")},
            settings={"base_url": server.base_url},
        )
        run(root)
    assert len(server.calls) == 2
    records = verdicts(root, "DE")
    assert [(r["id"], r["sample"], r["turn"]) for r in records] == [
        (str(n), sample, turn) for n in range(1, 6) for sample in (0, 1) for turn in (1, 2)
    ]
