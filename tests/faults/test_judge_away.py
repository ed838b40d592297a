"""Fault 27: a judge that is away for a while, in the middle of a stage and at the start of its next attempt."""

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from jobs.judge import job as judge
from polyglot.core.errors import Permanent, PolyglotError
from tests.kit import judge_server as js
from tests.kit import judge_stage
from tests.kit.judge_small import FINE, stage
from tests.kit.judge_stage import verdicts
from tests.kit.ports import free_port

FEW = {"attempts": 2, "concurrency": 2, "backoff_seconds": 0.01}
AWAY_SECONDS = 0.8  # two attempts and their waits are over long before


def run(root: Path, on_remark: Any) -> list[str]:
    """Run one attempt, and return what it said that it waits for."""
    here, remarks = judge_stage.context(root, **FEW), list[str]()
    here.remark = lambda text: (remarks.append(text), on_remark(text))  # type: ignore[assignment,return-value]
    judge.run(here)
    return remarks


@pytest.mark.parametrize("at_start_of_the_next_attempt", [False, True])
def test_an_outage_is_waited_out_and_told(tmp_path: Path, at_start_of_the_next_attempt: bool) -> None:
    port = free_port()
    with ExitStack() as stack:
        away = threading.Thread(target=lambda: first.__exit__())

        def script(call: js.Call) -> js.Step:
            if call.index == 5 and not at_start_of_the_next_attempt:
                away.start()
            return js.reply(FINE, after=0.02)

        first = js.ScriptedJudge(script, port=port)
        second = js.ScriptedJudge(lambda call: js.reply(FINE), port=port)
        root = stage(tmp_path, f"http://127.0.0.1:{port}/v1", count=10)
        back = threading.Timer(AWAY_SECONDS, lambda: stack.enter_context(second))

        def come_back(text: str) -> None:
            if text:
                back.start()

        if at_start_of_the_next_attempt:
            with first:
                stopped = judge_stage.context(root, **FEW)
                stopped.stop = True
                with pytest.raises(Exception, match="asked to stop"):
                    judge.run(stopped)
            assert 0 < len(first.calls) < 20
            remarks = run(root, come_back)
        else:
            first.__enter__()
            remarks = run(root, come_back)
            away.join()
        back.join()
    assert [row["score"] for row in verdicts(root, "DE")] == [7] * 20
    assert (len(remarks), remarks[0].startswith(f"http://127.0.0.1:{port}/v1 does not answer since ")) == (2, True)
    assert remarks[1] == ""
    assert 0 < len(first.calls) < 20 <= len(first.calls) + len(second.calls)


def test_a_judge_that_was_not_there_in_this_stage_fails_its_attempt_alone_and_says_what_to_do(tmp_path: Path) -> None:
    """Its probe was answered, so it is an outage: a later attempt, which finds it back, goes on."""
    root = stage(tmp_path, f"http://127.0.0.1:{free_port()}/v1", settings={"call_deadline_seconds": 0.5})
    with pytest.raises(PolyglotError, match="has never answered.* Set the address .base-url in the profile") as failed:
        run(root, lambda text: None)
    assert not isinstance(failed.value, Permanent)
