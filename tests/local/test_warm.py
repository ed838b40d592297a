"""The fork server: what is different from plain processes, and what must not be."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from polyglot.schedulers.base import Attempt, Ended, Event, Outcome
from polyglot.schedulers.local.budget import Budget
from polyglot.schedulers.local.process import Launch, PlainProcess, kill
from polyglot.schedulers.local.scheduler import LocalScheduler
from polyglot.schedulers.local.warm import WarmServer
from tests.kit.graphs import GRAPHS, chain, fan, stage
from tests.kit.world import ROOT, World, alive, end, until


def server_of(driver_pid: int) -> int:
    """The fork server's process id."""
    found = []

    def look() -> bool:
        for child in psutil.Process(driver_pid).children():
            if "jobs.worker.warm" in child.cmdline():
                found.append(child.pid)
        return bool(found)

    until(look)
    return int(found[0])


def test_equal_results_warm_and_plain(plain: World) -> None:
    stages = chain(4)
    plain.run(stages)
    warm = World(plain.root / "other", warm=True)
    warm.root.mkdir()
    warm.run(stages)
    assert warm.results(stages) == plain.results(stages)


def test_workers_with_a_gpu_are_processes_of_their_own_and_the_server_sees_none(plain: World) -> None:
    """Importing models initialises CUDA where there is some, and what is forked after that cannot use it."""
    (made,) = chain(1)
    with_gpu = replace(made, resources=replace(made.resources, gpus=1))
    with LocalScheduler(plain.state, budget=Budget.of_machine()) as scheduler:
        assert scheduler._server(with_gpu) is None
        server = scheduler._server(made)
        assert server is not None
        environment = Path(f"/proc/{server.pid}/environ").read_bytes().split(b"\0")
        assert b"CUDA_VISIBLE_DEVICES=" in environment


def test_a_worker_is_a_child_of_the_server_in_a_session_of_its_own(plain: World) -> None:
    plain.warm = True
    driver = plain.drive("slow")
    try:
        server = server_of(driver.pid)
        until(lambda: plain.executions())
        worker = plain.executions()[0]["pid"]
        assert psutil.Process(worker).ppid() == server
        assert os.getsid(worker) == worker
        driver.send_signal(signal.SIGINT)
        assert driver.wait(20) == 130
        until(lambda: not alive(server) and not alive(worker))
    finally:
        end(driver)


def test_a_killed_server_takes_its_workers_along_and_plain_processes_go_on(plain: World) -> None:
    plain.warm = True
    driver = plain.drive("short")
    try:
        server = server_of(driver.pid)
        until(lambda: plain.executions())
        worker = plain.executions()[0]["pid"]
        os.kill(server, signal.SIGKILL)
        until(lambda: not alive(worker))
        assert driver.wait(60) == 0
    finally:
        end(driver)
    assert plain.executions()[-1]["pid"] != worker
    one = GRAPHS["short"]()[0]
    assert "stopped as asked" in plain.log(one)  # it had the time to save, and no attempt was lost
    assert plain.attempts(one).numbers() == [1]


def test_sigterm_to_every_process_of_a_study_lets_workers_save(plain: World) -> None:
    plain.warm = True
    driver = plain.drive("slow")
    try:
        server = server_of(driver.pid)
        until(lambda: plain.executions())
        for pid in (server, plain.executions()[0]["pid"], driver.pid):  # as systemd, a container or a cgroup does it
            os.kill(pid, signal.SIGTERM)
        assert driver.wait(20) == 130
    finally:
        end(driver)
    assert "stopped as asked" in plain.log(GRAPHS["slow"]()[0])


@pytest.mark.parametrize("times", [1, 2])
def test_a_worker_whose_server_is_stuck_can_be_stopped(plain: World, times: int) -> None:
    plain.warm = True
    attempt = Attempt(planned=stage("noop", "one"), number=1, store_url=plain.url)
    with plain.scheduler() as scheduler:
        scheduler.submit(attempt)  # its server begins to import
        os.kill(scheduler._servers["light"].pid, signal.SIGSTOP)
        assert list(scheduler.watch(0.2)) == []
        for _ in range(times):
            scheduler.cancel(attempt)
        ended: list[Event] = []
        until(lambda: ended.extend(scheduler.watch(0.1)) or ended, 10)  # type: ignore[func-returns-value]
    assert [event.outcome for event in ended if isinstance(event, Ended)] == [Outcome.INTERRUPTED]
    assert plain.executions() == []


def test_a_server_that_stops_reading_is_not_trusted_with_half_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polyglot.schedulers.local.warm._SEND_SECONDS", 0.2)
    server = WarmServer(libraries=(), environment=os.environ, log=tmp_path / "log")
    try:
        os.kill(server.pid, signal.SIGSTOP)
        with (tmp_path / "lock").open("w") as lock, pytest.raises(OSError, match="unavailable"):
            server.fork(
                Launch(
                    name="one",
                    kind="noop",
                    arguments=(),
                    environment={"LARGE": "x" * 4_000_000},
                    log=tmp_path / "log",
                    lock=lock.fileno(),
                )
            )
        until(lambda: not alive(server.pid))
        assert not server.alive
    finally:
        server.close()


def test_a_worker_is_killed_also_before_it_leads_a_group() -> None:
    class Young(PlainProcess):
        def __init__(self) -> None:
            self._popen = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    young = Young()
    kill(young)
    assert young._popen.wait(10) == -signal.SIGKILL


def test_the_environment_switches_it_off(plain: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYGLOT_WARM", "0")
    plain.warm = True
    plain.run(fan(1))
    assert not (plain.state / "logs" / "warm-light.log").exists()


def test_a_job_that_starts_threads_when_imported_gets_a_process_of_its_own(plain: World) -> None:
    plain.warm = True
    one, two = stage("threaded", "one"), stage("threaded", "two")
    assert plain.run([one, two]).committed == 2
    assert {row["forked"] for row in plain.executions()} == {False}
    assert plain.run([stage("noop", "other")]).committed == 1


def test_threads_are_as_the_settings_say_in_both(plain: World) -> None:
    plain.warm = True
    plain.run([stage("devices", "n", settings={"threads": 3})])
    assert plain.executions()[-1]["omp"] == "3"


def test_the_server_imports_nothing_heavy_for_light_kinds() -> None:
    heavy = "('torch', 'transformers', 'numpy', 'boto3')"
    code = f"import sys, jobs.worker.warm; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_every_job_leaves_one_thread_so_that_all_of_them_are_forked() -> None:
    code = """
import importlib, os, jobs.worker.warm
from polyglot.kinds.registry import KINDS
jobs.worker.warm.keep_imports_quiet()
later = [name for kind in KINDS.values() for name in kind.warm_imports]
for library in ("torch", "transformers", *(f"jobs.{name}.job" for name in KINDS), *later):
    importlib.import_module(library)
    assert len(os.listdir("/proc/self/task")) == 1, library
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
