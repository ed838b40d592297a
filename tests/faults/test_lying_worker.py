"""Fault 15: a worker that traps SIGTERM and ends with 0, or says 0 without having committed, is not believed."""

import os
import signal
import threading
from pathlib import Path

from tests.kit.graphs import stage
from tests.kit.world import World, until


def test_exit_0_without_a_manifest_is_a_failed_attempt(tmp_path: Path) -> None:
    world = World(tmp_path)
    one = stage("failing", "liar", how="lie")
    summary = world.run([one])
    assert "there is no manifest (3 attempts)" in summary.failed[one.key]
    assert world.results([one]) == {"failing liar": None}


def test_a_worker_that_is_told_to_stop_ends_with_43_and_is_started_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    one = stage("steps", "s", steps=40, seconds=0.05)

    def terminate() -> None:
        until(lambda: world.executions())
        os.kill(world.executions()[0]["pid"], signal.SIGTERM)

    thread = threading.Thread(target=terminate)
    thread.start()
    assert world.run([one]).committed == 1
    thread.join()
    assert "stopped as asked" in world.log(one)
    assert world.attempts(one).failure(1) is None  # no failure, the same attempt went on
    assert world.attempts(one).starts(1) == 2
