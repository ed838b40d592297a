"""What killed workers said is archived whole, start by start and rank by rank, and shown so."""

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.core.errors import BadInput
from polyglot.core.stage import Resources
from polyglot.engine.archive import archive_output
from polyglot.engine.logs import merged_logs
from polyglot.engine.why import explain
from tests.kit.container import Container
from tests.kit.graphs import stage
from tests.kit.world import World, until

RANKED = Resources(ranks=2)


def said_until_killed(one: Container) -> bytes:
    """Run a container that is killed whole as soon as its worker has said all that it says."""
    with one.started() as process:
        output: list[bytes] = []
        reader = threading.Thread(target=lambda: output.extend(iter(process.stdout.readline, b"")))  # type: ignore[union-attr]
        reader.start()
        until(lambda: output and b"said 999\n" in output[-1])
        kill(one, process)
        reader.join(10)
    return b"".join(output)


def kill(one: Container, process: "subprocess.Popen[bytes]") -> None:
    """As the end of a grace period does: nobody is left to archive anything."""
    worker = one.worker(process)
    process.kill()
    os.kill(worker, signal.SIGKILL)


def claim(number: int, start: int, which: str = "") -> bytes:
    return f"2026-01-01T00:00:00Z INFO polyglot.worker: train x: attempt {number}, start {start}{which}\n".encode()


class TestArchive:
    def test_each_start_of_a_killed_container_gets_its_own_end(self, tmp_path: Path) -> None:
        planned = stage("failing", "killed", how="talk-and-hang")
        ones = [Container(tmp_path / name, planned, f"file://{tmp_path}/store") for name in ("first", "second")]
        outputs = [said_until_killed(one) for one in ones]
        attempts = ones[0].attempts
        for _ in range(2):  # two drivers may have seen it
            for output in outputs:
                archive_output(attempts, 1, output)
        for start, output in enumerate(outputs, 1):
            assert f"attempt 1, start {start}".encode() in output
            assert b"".join(attempts.log(1, start)) == output
        lines = list(merged_logs([planned], World(tmp_path).store))
        assert sum("said 999" in line for line in lines) == 2

    def test_an_end_that_comes_when_the_next_start_speaks_goes_before_it(self, plain: World) -> None:
        one = stage("noop", "one")
        attempts = plain.attempts(one)
        attempts.append_log(1, 1, 0, claim(1, 1) + b"begun\n")
        attempts.append_log(1, 2, 0, claim(1, 2) + b"again\n")
        archive_output(attempts, 1, claim(1, 1) + b"begun\nthe reason\n")
        lines = [line.partition(" | ")[2] for line in merged_logs([one], plain.store)]
        assert [line for line in lines if "polyglot.worker" not in line] == ["begun", "the reason", "again"]

    def test_what_was_said_before_any_claim_is_kept_once(self, plain: World) -> None:
        attempts = plain.attempts(stage("noop", "one"))
        for output in (b"no store\n", b"no inputs\n", b"no store\n"):
            archive_output(attempts, 1, output)
        assert list(attempts.log(1)) == [b"no store\n", b"no inputs\n"]

    def test_what_does_not_begin_like_the_archive_is_left_alone(self, plain: World) -> None:
        attempts = plain.attempts(stage("noop", "one"))
        attempts.append_log(1, 1, 0, claim(1, 1) + b"begun\n")
        archive_output(attempts, 1, b"(rotated)\n" + claim(1, 1) + b"more\n")
        assert b"more" not in b"".join(attempts.log(1))


class TestRanks:
    @pytest.fixture
    def attempts(self, plain: World) -> Attempts:
        """A training of two ranks, the second of which has said more than was archived."""
        found = plain.attempts(stage("train", "x"))
        found.append_log(1, 1, 0, b"first\n")
        found.of_rank(1).append_log(1, 1, 0, claim(1, 1, ", rank 1 of 2"))
        archive_output(found.of_rank(1), 1, claim(1, 1, ", rank 1 of 2") + b"the other's end")
        return found

    def test_every_rank_is_shown_with_its_number(self, plain: World, attempts: Attempts) -> None:
        lines = list(merged_logs([stage("train", "x")], plain.store))  # planned by a profile that knows of no ranks
        assert lines[0] == "train x rank 0 | first"
        assert lines[-1] == "train x rank 1 | the other's end"
        assert len(lines) == 3

    def test_one_rank_alone(self, plain: World, attempts: Attempts) -> None:
        (line,) = merged_logs([stage("train", "x", resources=RANKED)], plain.store, rank=0)
        assert line == "train x rank 0 | first"
        for resources in (RANKED, Resources()):
            lines = list(merged_logs([stage("train", "x", resources=resources)], plain.store, rank=1))
            assert lines[-1] == "train x rank 1 | the other's end"

    def test_a_rank_that_there_is_not(self, plain: World, attempts: Attempts) -> None:
        with pytest.raises(BadInput, match="--rank: .*got 2; expected 0 to 1"):
            list(merged_logs([stage("train", "x")], plain.store, rank=2))
        with pytest.raises(BadInput, match="it runs in one process"):
            list(merged_logs([stage("noop", "y")], plain.store, rank=1))

    def test_the_reason_shows_the_end_of_every_rank(self, plain: World, attempts: Attempts) -> None:
        attempts.record_start(1, {})
        one = stage("train", "x")
        text = "\n".join(explain(one, plain.store, {one.key: one}, alive=lambda _: False))
        assert "the end of the log of rank 1 in attempt 1:" in text
        assert "    the other's end" in text


class TestReasons:
    def test_what_took_a_worker_away_and_where_the_next_one_went_on(self, plain: World) -> None:
        one = stage("steps", "x", steps=4)
        attempts = plain.attempts(one)
        attempts.record_start(1, {})
        attempts.disrupt(1, "pod-a", "pod a disrupted (EvictionByEvictionAPI: evicting)")
        plain.run([one])
        lines = list(explain(one, plain.store, {one.key: one}))
        assert "  attempt 1, 2 starts: committed" in lines
        assert "  attempt 1: pod a disrupted (EvictionByEvictionAPI: evicting); start 2 followed" in lines

    def test_many_disruptions_are_counted(self, plain: World) -> None:
        one = stage("steps", "x", steps=4)
        for number in range(8):
            plain.attempts(one).disrupt(1, f"pod-{number}", f"pod {number} was deleted")
        lines = list(explain(one, plain.store, {one.key: one}))
        assert "  attempt 1: 3 earlier disruptions" in lines
        assert "  attempt 1: pod 7 was deleted" in lines
        assert "  attempt 1: pod 2 was deleted" not in lines
