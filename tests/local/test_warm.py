"""The fork server: what is different from plain processes, and what must not be."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.kit.graphs import chain, fan, stage
from tests.kit.world import ROOT, World, alive, end, until


def server_of(driver_pid: int) -> int:
    """The fork server's process id."""
    found = []

    def look() -> bool:
        for child in psutil.Process(driver_pid).children():
            if "jobs.warm" in child.cmdline():
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
        until(lambda: not alive(server) and not alive(worker), 10)
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
        until(lambda: not alive(worker), 10)
        assert driver.wait(60) == 0
    finally:
        end(driver)
    assert plain.executions()[-1]["pid"] != worker


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
    code = "import sys, jobs.warm; print([m for m in ('torch', 'transformers', 'numpy', 'boto3') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_every_job_leaves_one_thread_so_that_all_of_them_are_forked() -> None:
    code = """
import importlib, os, jobs.warm
from polyglot.spec.params import KINDS
jobs.warm.keep_imports_quiet()
later = [name for names in jobs.warm._LATER.values() for name in names]
for library in ("torch", "transformers", *(f"jobs.{kind}" for kind in KINDS), *later):
    importlib.import_module(library)
    assert len(os.listdir("/proc/self/task")) == 1, library
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
