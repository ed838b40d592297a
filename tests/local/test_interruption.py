"""Kills, signals and second drivers: nothing is lost, nothing is done twice, nobody is left behind."""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from polyglot.attempts.history import History
from polyglot.core.stage import PlannedStage
from tests.kit.graphs import GRAPHS, diamonds, stage
from tests.kit.world import AT_ONCE, World, alive, end, tell, until

ROUNDS = {True: 20, False: 8}  # by warm, which is what everybody runs


def workers(world: World) -> list[int]:
    """Worker processes of this world: those whose output goes to a log of it; drivers open these for a moment only."""
    found = []
    logs = str(world.state / "logs" / "")
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            paths = [file.path for file in process.open_files()]
            if any(path.startswith(logs) and "warm-" not in path for path in paths):
                is_driver = any(part.endswith("tests.kit.graphs") for part in process.cmdline())
                found += [] if is_driver else [process.pid]
    return [pid for pid in found if pid != os.getpid()]


def check_no_stage_ran_after_its_manifest(world: World, stages: list[PlannedStage]) -> None:
    times = {planned.key: world.manifest_time(planned) for planned in stages}
    for row in world.executions():
        assert row["time"] <= times[row["key"]], f"{row['kind']} {row['key'][:12]} ran after it was committed"


class TestKill:
    @pytest.mark.timeout(600)
    def test_twenty_kills_of_driver_or_worker_lose_nothing(self, world: World, tmp_path: Path) -> None:
        stages = diamonds()
        undisturbed = World(tmp_path / "undisturbed")
        undisturbed.root.mkdir()
        undisturbed.run(stages)
        wanted = undisturbed.results(stages)
        random_ = random.Random(20)
        kills = Counter[str]()
        for round_ in range(ROUNDS[world.warm]):
            case = World(tmp_path / f"round{round_}", warm=world.warm)
            case.root.mkdir()
            driver = case.drive("diamonds")
            try:
                time.sleep(random_.uniform(0.1, 1.2))
                victim = ("driver", "worker")[round_ % 2]
                targets = [driver.pid]
                while victim == "worker" and not (targets := workers(case)) and driver.poll() is None:
                    time.sleep(0.01)
                if driver.poll() is None:
                    with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                        os.kill(random_.choice(targets), signal.SIGKILL)
                        kills[victim] += 1
                if victim == "driver":
                    driver.wait(20)
                    driver = case.drive("diamonds")  # at once: workers of the first one may still be dying
                assert driver.wait(90) == 0, (case.root / "driver.log").read_text()
            finally:
                end(driver)
            assert case.results(stages) == wanted
            check_no_stage_ran_after_its_manifest(case, stages)
        assert min(kills["driver"], kills["worker"]) >= 2, kills

    @pytest.mark.parametrize("point", ["started", "claimed", "inputs", "ran", "blobs", "published"])
    def test_a_driver_killed_at_a_named_step_is_followed_by_one_that_finishes(self, plain: World, point: str) -> None:
        hold = plain.root / "hold"
        driver = plain.drive("chain", POLYGLOT_HOLD=f"noop:{point}:{hold}")
        try:
            until(lambda: Path(f"{hold}.reached").exists())
            running = workers(plain)
            assert running
            driver.kill()
            driver.wait(10)
            hold.touch()
            second = plain.drive("chain")
            assert second.wait(60) == 0
            end(second)
            until(lambda: not any(alive(pid) for pid in running))
        finally:
            hold.touch()
            end(driver)
        from tests.kit.graphs import chain

        check_no_stage_ran_after_its_manifest(plain, chain(5))

    def test_workers_do_not_outlive_a_killed_driver(self, world: World) -> None:
        driver = world.drive("slow")
        try:
            until(lambda: world.executions())
            worker = world.executions()[0]["pid"]
        finally:
            end(driver)
        until(lambda: not alive(worker))
        # it was asked to stop and saved: the next driver goes on from there
        second = world.drive("slow")
        try:
            until(lambda: len(world.executions()) == 2)
            assert world.executions()[1]["resumed"] > 0
        finally:
            second.send_signal(signal.SIGINT)
            assert second.wait(20) == 130

    def test_a_worker_deaf_to_signals_is_killed_after_its_driver(self, world: World) -> None:
        driver = world.drive("deaf")
        try:
            until(lambda: world.executions())
            worker = world.executions()[0]["pid"]
            began = time.monotonic()
        finally:
            end(driver)
        until(lambda: not alive(worker))
        assert time.monotonic() - began >= 2.0  # its grace


class TestInterrupt:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_driver_asked_to_stop_leaves_nothing_half_written(self, world: World, number: signal.Signals) -> None:
        driver = world.drive("slow")
        until(lambda: world.executions())
        driver.send_signal(number)
        assert driver.wait(20) == 130
        assert workers(world) == []
        assert not list(world.root.glob("store/**/*.part*"))
        assert "interrupted after 0 computed" in (world.root / "driver.log").read_text()

    def test_a_second_signal_kills(self, world: World) -> None:
        driver = world.drive("deaf-for-long")
        until(lambda: world.executions())
        worker = world.executions()[0]["pid"]
        tell(driver.pid, signal.SIGINT)
        assert driver.poll() is None
        assert alive(worker)
        driver.send_signal(signal.SIGINT)
        assert driver.wait(20) == 130
        assert not alive(worker)

    def test_stops_that_were_asked_for_do_not_count_as_starts_without_progress(self, plain: World) -> None:
        for n in range(1, 3):
            driver = plain.drive("polite")
            until(lambda n=n: len(plain.executions()) == n)  # type: ignore[misc]
            driver.send_signal(signal.SIGINT)
            assert driver.wait(20) == 130
        (one,) = GRAPHS["polite"]()
        assert plain.attempts(one).starts(1) == 2
        assert History(plain.store, one.stage).starts_without_progress() == 0

    def test_a_stopped_worker_resumes_from_its_checkpoint(self, world: World) -> None:
        one = stage("steps", "s", steps=40, seconds=0.05)
        whole = World(world.root / "whole")
        whole.root.mkdir()
        whole.run([one], **AT_ONCE)
        import threading

        def terminate() -> None:
            until(lambda: world.attempts(one).progress() is not None)
            os.kill(world.executions()[0]["pid"], signal.SIGTERM)

        thread = threading.Thread(target=terminate)
        thread.start()
        summary = world.run([one])
        thread.join()
        assert summary.committed == 1
        resumed = [row["resumed"] for row in world.executions()]
        assert resumed[0] == 0
        assert len(resumed) == 2
        assert resumed[1] > 0
        assert world.attempts(one).numbers() == [1]  # the same attempt, its second start
        assert world.attempts(one).starts(1) == 2
        assert world.results([one]) == whole.results([one])


class TestTwoDrivers:
    def test_both_end_well_and_nothing_runs_twice(self, world: World) -> None:
        drivers = [world.drive("diamonds") for _ in range(2)]
        try:
            assert [driver.wait(90) for driver in drivers] == [0, 0], (world.root / "driver.log").read_text()
        finally:
            for driver in drivers:
                end(driver)
        stages = diamonds()
        assert all(world.results(stages).values())
        counts = Counter(row["key"] for row in world.executions())
        assert counts == {planned.key: 1 for planned in stages}

    def test_a_failed_stage_is_not_tried_again_by_the_one_that_waited(self, plain: World) -> None:
        drivers = [plain.drive("broken") for _ in range(2)]
        try:
            assert [driver.wait(60) for driver in drivers] == [1, 1]
        finally:
            for driver in drivers:
                end(driver)
        assert len(plain.executions()) == 1
