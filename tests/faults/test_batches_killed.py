"""Fault 28, by batches: a worker killed between any two steps of a batch pays for nothing twice and loses nothing."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from tests.kit.batch_server import Answer, BatchServer, Course, Half, Line, answered, failed
from tests.kit.judge_small import stage
from tests.kit.judge_stage import journal, records, verdicts

CHECKOUT = Path(__file__).parents[2]
PRICES = {"price_usd_per_mtok_prompt": 10.0, "price_usd_per_mtok_completion": 100.0}
CALL_USD = (100 * 10.0 + 20 * 100.0) / 1e6 / 2  # the loopback counts 100 and 20 tokens
QUESTIONS, CALLS = 1200, 2400


class Killer:
    """Starts workers of one stage anew until one comes to its end, and kills each at the next of the moments."""

    def __init__(self, root: Path) -> None:
        self.root, self.killed = root, list[str]()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def once(self, moment: str) -> bool:
        """Whether it is this moment's turn."""
        with self._lock:
            if moment in self.killed:
                return False
            self.killed.append(moment)
            return True

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def run(self) -> list[int]:
        """The exit codes of all starts."""
        codes = list[int]()
        while not codes or codes[-1] == -signal.SIGKILL:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.kit.judge_stage", str(self.root)], cwd=CHECKOUT
            )
            codes.append(self._process.wait(300))
        return codes


def graded(line: Line) -> Answer:
    """Verdicts that depend on nothing but what is asked; some fail in passing, a few for good."""
    digit = int(line.id[:8], 16)
    if digit % 40 == 0 and line.nth == 1:
        return failed(500)
    return failed(422, "not this one") if digit % 300 == 1 else answered(f"Rating: [[{1 + digit % 10}]]")


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_2400_calls_in_batches_with_failures_an_expiry_and_kills_at_every_step(tmp_path: Path) -> None:
    quick = {"mode": "batch", "batch_requests": 700, "batch_poll_seconds": 0.1, "timeout_seconds": 60}
    killer = Killer(tmp_path)

    def before(method: str, path: str, nth: int) -> Answer | None:
        if (method, path) == ("POST", "/files") and killer.once("before an upload"):
            killer.kill()
        if (method, path) == ("POST", "/batches") and killer.once("between upload and create"):
            killer.kill()
            return failed(500)  # the request was on its way, but never heard
        if path.endswith("/content") and killer.once("between completion and collect"):
            killer.kill()
            return failed(500)
        return None

    def after(method: str, path: str, nth: int) -> Answer | Half | None:
        if (method, path) == ("POST", "/batches") and killer.once("between create and its record"):
            killer.kill()
        if path.startswith("/batches/") and len(server.batches) == 4 and killer.once("while looking"):
            killer.kill()
        collecting = path.startswith("/files/file-output") and "between completion and collect" in killer.killed
        if collecting and killer.once("in the middle of collecting"):
            return Half(then=after_more_than(replies_on_record()))
        return None

    def replies_on_record() -> int:
        return Counter(record["outcome"] for record in records(tmp_path))["reply"]

    def after_more_than(number: int) -> Callable[[], None]:
        def then() -> None:
            wait_for(lambda: replies_on_record() > number)
            killer.kill()

        return then

    def course(number: int) -> Course:
        return Course(end="expired", done=300) if number == 2 else Course()

    with BatchServer(answer=graded, course=course, before=before, after=after) as server:
        stage(tmp_path, server.base_url, count=QUESTIONS, settings=quick | PRICES, max_failed_share=0.05)
        codes = killer.run()

    assert killer.killed == [
        "before an upload",
        "between upload and create",
        "between create and its record",
        "while looking",
        "between completion and collect",
        "in the middle of collecting",
    ]
    assert codes == [-signal.SIGKILL] * 6 + [0]
    assert set(server.billed.values()) == {0, 1}  # 0: what failed for good
    verdict = verdicts(tmp_path, "DE")
    assert len(verdict) == CALLS
    lasting = sum(int(id_[:8], 16) % 300 == 1 for id_ in server.asked)
    assert Counter(row["reason"] for row in verdict) == Counter({None: CALLS - lasting, "http-422": lasting})
    assert sum(server.billed.values()) == CALLS - lasting
    made = [len(batch.lines) for batch in server.batches.values()]
    assert made[:4] == [700, 700, 700, 300]
    assert sum(made[4:]) < 700  # what expired or failed, and no more
    with journal(tmp_path) as written:
        usage = UsageLog(written, CallSettings.of(quick | PRICES))
    assert usage.cost_usd == pytest.approx(CALL_USD * sum(server.billed.values()))
    assert usage.cost_usd_unseen == 0.0
    assert not usage.batches.open
