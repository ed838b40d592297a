"""Fault 21: nobody saw how a worker ended; the verdict comes from the manifest, the reason from the failure record."""

from pathlib import Path

from tests.kit.graphs import chain, stage
from tests.kit.world import World, alive, end, until


def test_a_commit_that_no_driver_saw_counts(tmp_path: Path) -> None:
    world = World(tmp_path)
    hold = tmp_path / "hold"
    driver = world.drive("chain", POLYGLOT_HOLD=f"noop:published:{hold}")
    try:
        until(lambda: Path(f"{hold}.reached").exists())
        driver.kill()  # the manifest stands, the driver never learns of it
        driver.wait(10)
    finally:
        hold.touch()
        end(driver)
    worker = world.executions()[0]["pid"]
    until(lambda: not alive(worker))
    summary = world.run(chain(5))
    assert (summary.cached, summary.committed) == (1, 4)
    assert len(world.executions()) == 5


def test_a_failure_that_no_driver_saw_counts(tmp_path: Path) -> None:
    world = World(tmp_path)
    broken = stage("failing", "broken", how="permanent")
    world.run([broken])
    again = World(tmp_path)  # all that a second driver has is the store: no Job, no process, no memory
    assert again.run([broken]).failed == {broken.key: "this can never work"}
    assert again.recorder.of("started") == []
    assert len(again.executions()) == 1
