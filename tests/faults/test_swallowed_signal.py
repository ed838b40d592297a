"""Fault 16: a worker that never hears its SIGTERM is killed after its grace; the next uses its last checkpoint."""

import signal
import time
from pathlib import Path

from polyglot.core.stage import Resources
from tests.kit.graphs import MIB, stage
from tests.kit.world import World, alive, end, until


def test_a_deaf_worker_is_killed_after_its_grace_and_the_next_one_resumes(tmp_path: Path) -> None:
    world = World(tmp_path)
    driver = world.drive("deaf-steps")
    try:
        until(lambda: any(row.get("deaf") for row in world.executions()))
        worker = world.executions()[0]["pid"]
        began = time.monotonic()
        driver.send_signal(signal.SIGINT)
        assert driver.wait(30) == 130
        assert time.monotonic() - began >= 1.0  # it had its grace
        assert not alive(worker)
    finally:
        end(driver)
    one = stage("steps", "deaf", steps=6, deaf_after=3, resources=Resources(memory_bytes=256 * MIB, grace_seconds=1))
    assert world.run([one]).committed == 1
    assert world.executions()[-1]["resumed"] == 3
