"""The processes of a pod: started together, heard together, and ended together however one of them ends."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.core.canonical import Json
from polyglot.core.stage import Resources
from polyglot.estimates.used import used_by
from polyglot.schedulers.local.budget import Budget
from polyglot.store.committed import committed
from polyglot.store.locate import open_store
from tests.kit.container import Container
from tests.kit.graphs import MIB, stage
from tests.kit.rank_jobs.train.job import written
from tests.kit.ranks import started
from tests.kit.world import QUICK, World, alive, until

pytestmark = pytest.mark.timeout(300)

GRACE_SECONDS = 6
OURS = {"POLYGLOT_JOBS_PACKAGE": "tests.kit.rank_jobs"}
RESOURCES = Resources(cpus=4, memory_bytes=1024 * MIB, grace_seconds=GRACE_SECONDS)


def pod(root: Path, do: str | Sequence[Json], processes: int = 2) -> Container:
    """A container in which each process does as told."""
    settings: Mapping[str, Json] = {"processes": processes}
    made = stage("train", "t", resources=RESOURCES, settings=settings, do=do if isinstance(do, str) else list(do))
    environment = {**OURS, "POLYGLOT_TEST_LEDGER": str(root / "ledger")}
    return Container(root / "pod", made, f"file://{root}/store", environment=environment)


def seconds_to_end(one: Container) -> tuple[int, str, float]:
    """The code and the output of a pod, and how long it took from when all its processes were there."""
    with one.started() as process:
        until(lambda: len(written(ledger(one))) == 2, 120)
        began = time.monotonic()
        out, _ = process.communicate(timeout=60)
        return process.returncode, out.decode(), time.monotonic() - began


def ledger(one: Container) -> Path:
    return Path(one.environment["POLYGLOT_TEST_LEDGER"])


def pids(one: Container) -> list[int]:
    return [int(words[0]) for words in written(ledger(one)).values()]


class TestStart:
    def test_each_process_knows_its_place_and_has_its_share_of_the_processors(self, tmp_path: Path) -> None:
        one = pod(tmp_path, "talk")
        code, out = one.run()
        assert code == 0, one.stderr()
        assert [written(ledger(one))[rank][1:] for rank in (0, 1)] == [
            [str(rank), "2", str(rank), "2", "127.0.0.1", "2"] for rank in (0, 1)
        ]
        assert one.manifest is not None
        assert [one.manifest.execution[name] for name in ("world_size", "local_world_size", "threads")] == [2, 2, 2]
        assert one.attempts.starts(1) == 1  # the pod's
        assert one.attempts.ranks(1) == [0]
        lines = out.decode().splitlines()
        assert "said with an end" in lines
        assert "rank 1 | said with an end" in lines
        assert any(line.startswith("rank 1 | and with none") for line in lines)  # and what it says next
        assert one.archived() == out
        assert not list((one.root / "work" / "attempt").glob("*"))

    def test_pods_count_their_processes_through(self, tmp_path: Path) -> None:
        one = pod(tmp_path, "fine")
        with started(one, 2) as pods:
            until(lambda: all(process.poll() is not None for _, process in pods), 90)
            assert [process.returncode for _, process in pods] == [0, 0]
        assert {rank: words[1:5] for rank, words in written(ledger(one)).items()} == {
            rank: [str(rank), "4", str(rank % 2), "2"] for rank in range(4)
        }
        assert one.attempts.ranks(1) == [0, 1]  # a pod each
        second = Attempts(open_store(one.store_url), one.planned.stage, rank=1)
        said = b"".join(second.log(1)).decode()
        assert "attempt 1, start 1, rank 2 of 4" in said
        assert "rank 3 | " in said

    def test_a_place_that_cannot_be_is_permanent(self, tmp_path: Path) -> None:
        one = pod(tmp_path, "fine")
        code, _ = one.run(POLYGLOT_RANK="2", POLYGLOT_RANKS="2")
        assert code == 42
        assert "POLYGLOT_RANK" in one.termination_log.read_text()


class TestOneEnds:
    @pytest.mark.parametrize(
        ("do", "code", "why"),
        [
            (["polite", "kill"], 137, "rank 1 was killed by SIGKILL; the largest peak of a process was 0."),
            (["kill", "stuck"], 137, "rank 0 was killed by SIGKILL; the largest peak of a process was 0."),
            (["stuck", "permanent"], 42, "rank 1: this can never work"),
            (["peer", "late permanent"], 42, "rank 1: this can never work"),
            (["peer", "late memory"], 44, "rank 1: MemoryError; its peak was 0."),
            (["exit", "polite"], 1, "rank 0: SystemExit: 7"),
        ],
        ids=lambda value: "-".join(value) if isinstance(value, list) else None,
    )
    def test_the_cause_is_told_and_nobody_waits_longer_than_the_grace(
        self, tmp_path: Path, do: list[Json], code: int, why: str
    ) -> None:
        one = pod(tmp_path, do)
        found, out, seconds = seconds_to_end(one)
        assert (found, one.termination_log.read_text()[: len(why)]) == (code, why), out
        # a worker that fails waits for a SIGTERM that explains it; a busy machine may be slow
        assert seconds < 10 + GRACE_SECONDS + 6
        assert not any(map(alive, pids(one)))
        failure = one.attempts.failure(1)
        if code == 42:
            assert failure is not None
            assert failure.reason == "rank 1: this can never work"
        assert one.archived().decode() == out

    def test_what_stands_is_fine_whatever_becomes_of_a_peer(self, tmp_path: Path) -> None:
        one = pod(tmp_path, ["fine", "late kill"])
        code, out, _ = seconds_to_end(one)
        assert code == 0
        assert "polyglot.group: rank 1 was killed by SIGKILL" in out
        assert one.manifest is not None


class TestStop:
    def test_all_that_are_asked_save_and_end_with_43(self, tmp_path: Path) -> None:
        one = pod(tmp_path, "polite", processes=3)
        with one.started() as process:
            until(lambda: len(written(ledger(one))) == 3, 120)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
            assert process.returncode == 43
        assert one.attempts.failure(1) is None

    def test_before_any_of_them_listens(self, tmp_path: Path) -> None:
        one = pod(tmp_path, "polite")
        with one.started(POLYGLOT_HOLD=f"train:started:{tmp_path}/hold") as process:
            until(lambda: group_of(one, process.pid) is not None, 120)
            process.send_signal(signal.SIGTERM)
            (tmp_path / "hold").touch()
            process.communicate(timeout=60)
            assert process.returncode == 43
        assert one.attempts.starts(1) == 0

    def test_one_that_hears_nothing_is_killed_after_the_grace(self, tmp_path: Path) -> None:
        one = pod(tmp_path, ["stuck", "polite"])
        with one.started() as process:
            until(lambda: len(written(ledger(one))) == 2, 120)
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=GRACE_SECONDS + 20)
            assert process.returncode == 43  # the other has saved
        assert "rank 0 was killed after its grace, by SIGKILL" in out.decode()

    def test_no_process_outlives_who_started_it(self, tmp_path: Path) -> None:
        one = pod(tmp_path, ["stuck", "polite"])
        with one.started() as process:
            until(lambda: len(written(ledger(one))) == 2, 120)
            found = group_of(one, process.pid)
            assert found is not None
            os.kill(found, signal.SIGKILL)
            process.communicate(timeout=30)
            assert process.returncode == 137
            until(lambda: not any(map(alive, pids(one))), GRACE_SECONDS + 20)


class TestOnThisMachine:
    @pytest.mark.parametrize("by", ["processes", "gpus"])
    def test_an_attempt_has_as_many_processes_as_the_profile_says(self, tmp_path: Path, by: str) -> None:
        resources = replace(RESOURCES, gpus=2 if by == "gpus" else 0)
        settings: Mapping[str, Json] = {"processes": 2} if by == "processes" else {}
        made, world = stage("train", "t", resources=resources, settings=settings, do="talk"), World(tmp_path, warm=True)
        budget = Budget(cpus=4, memory_bytes=1024 * MIB, gpus=("0", "1"))
        assert world.run([made], budget=budget, **OURS).committed == 1
        manifest = committed(world.store, "train", made.key)
        assert manifest is not None
        assert [manifest.execution[name] for name in ("world_size", "gpus")] == [2, resources.gpus]
        used = used_by(manifest, made)
        assert (used.gpus, used.ranks) == (resources.gpus, 1)
        assert "rank 1 | said with an end" in world.log(made)
        assert not list(world.state.glob("logs/warm-*"))  # it would import for nothing

    def test_a_killed_process_is_tried_again_and_named(self, tmp_path: Path) -> None:
        made = stage("train", "t", resources=RESOURCES, settings={"processes": 2}, do=["polite", "kill"])
        world = World(tmp_path)
        limits = replace(QUICK, max_attempts=2)
        assert world.run([made], limits=limits, budget=Budget(cpus=4, memory_bytes=1024 * MIB), **OURS).failed
        (told,) = world.recorder.of("retrying")
        assert told == ("train t", "one of its processes was killed by SIGKILL")
        assert "polyglot.group: rank 1 was killed by SIGKILL" in world.log(made, 2)


def group_of(one: Container, pid: int) -> int | None:
    """The process that starts the others, once it is there."""
    found = [child for child in psutil.Process(pid).children() if "jobs.worker" in child.cmdline()]
    return int(found[0].pid) if found else None
