"""Fault 16: PID 1 of a worker's container hears every signal, reaps every orphan, and loses no line of the log."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from polyglot.store.locate import open_store
from tests.kit.container import Container
from tests.kit.graphs import stage
from tests.kit.world import tell, until

in_a_namespace = pytest.param(
    True, marks=pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace takes root"), id="pid-1"
)


@pytest.fixture(params=[pytest.param(False, id="process"), in_a_namespace])
def as_pid_1(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def container(tmp_path: Path, kind: str = "noop", *, as_pid_1: bool = False, **params: object) -> Container:
    planned = stage(kind, "one", **params)  # type: ignore[arg-type]
    return Container(tmp_path / "container", planned, f"file://{tmp_path}/store", as_pid_1=as_pid_1)


def slow_start(tmp_path: Path, seconds: float) -> dict[str, str]:
    """An environment in which a worker's interpreter takes its time, and tells when it is at it."""
    folder = tmp_path / "slow"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import pathlib, sys, time\n"
        "if 'jobs.worker' in sys.orig_argv:\n"
        f"    pathlib.Path({str(folder / 'reached')!r}).touch()\n"
        f"    time.sleep({seconds})\n"
    )
    return {"PYTHONPATH": str(folder)}


class TestExitCodes:
    def test_the_workers_end_is_the_containers(self, tmp_path: Path, as_pid_1: bool) -> None:
        one = container(tmp_path, as_pid_1=as_pid_1)
        assert one.run()[0] == 0
        assert one.manifest is not None

    @pytest.mark.parametrize(("how", "code"), [("permanent", 42), ("error", 1), ("exit", 1), ("memory-error", 44)])
    def test_failures_pass_through(self, tmp_path: Path, how: str, code: int) -> None:
        assert container(tmp_path, "failing", how=how).run()[0] == code

    def test_a_worker_that_kills_itself_is_137(self, tmp_path: Path, as_pid_1: bool) -> None:
        one = container(tmp_path, "failing", as_pid_1=as_pid_1, how="talk-and-die")
        code, out = one.run()
        assert code == 128 + signal.SIGKILL
        assert b"said 999\npolyglot.container: the worker was killed by SIGKILL\n" in out
        assert one.archived() == out  # all of what kubectl logs showed, though the worker could not say it itself

    def test_a_segmentation_fault_is_139(self, tmp_path: Path) -> None:
        one = container(tmp_path, "steps", steps=1000, seconds=0.01)
        with one.started() as process:
            until(lambda: one.attempts.progress() or one.attempts.starts(1))
            os.kill(one.worker(process), signal.SIGSEGV)
            assert process.wait(30) == 128 + signal.SIGSEGV


class TestReasons:
    """In one line, where the kubelet looks for it."""

    @pytest.mark.parametrize(
        ("how", "says"),
        [
            ("permanent", "this can never work"),
            ("error", "RuntimeError: the network is down"),
            ("exit", "SystemExit: 7"),
            ("budget", "Raise budget.usd"),
            ("kill", "the worker was killed by SIGKILL; its peak memory was 0."),
            ("memory-error", "MemoryError; its peak was 0."),
            ("lie-and-fail", "the worker ended with 9 and gave no reason"),
        ],
    )
    def test_every_end_but_a_good_one_has_a_reason(self, tmp_path: Path, how: str, says: str) -> None:
        one = container(tmp_path, "failing", how=how)
        assert one.run()[0] != 0
        (line,) = one.termination_log.read_text().splitlines()
        assert line.startswith(says)

    def test_a_good_end_needs_none(self, tmp_path: Path) -> None:
        one = container(tmp_path)
        assert one.run()[0] == 0
        assert one.termination_log.read_text() == ""

    def test_of_a_store_that_cannot_be_written(self, tmp_path: Path) -> None:
        """Fault 9: nothing else is left of it."""
        one = container(tmp_path)
        one.store_url = "s3://bucket/x"
        key = tmp_path / "key"
        key.write_text("")
        keys = {"POLYGLOT_S3_ACCESS_KEY_FILE": str(key), "POLYGLOT_S3_SECRET_KEY_FILE": str(key)}
        assert one.run(AWS_REGION="us-east-1", **keys)[0] == 42
        assert "POLYGLOT_S3_ACCESS_KEY_FILE: the key file is empty" in one.termination_log.read_text()

    def test_of_a_request_that_cannot_be_used(self, tmp_path: Path) -> None:
        one = container(tmp_path)
        assert one.run(POLYGLOT_REQUEST="{")[0] == 42
        assert one.termination_log.read_text().startswith("the request is no JSON")

    def test_of_a_worker_that_was_asked_to_stop(self, tmp_path: Path) -> None:
        one = container(tmp_path, "steps", steps=1000, seconds=0.05)
        with one.started() as process:
            until(lambda: one.attempts.progress() is not None)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 43
        assert one.termination_log.read_text() == "asked to stop; progress is saved"


class TestSignals:
    @pytest.mark.parametrize(
        ("point", "code"),
        [("started", 43), ("claimed", 43), ("inputs", 43), ("ran", 0), ("blobs", 0), ("published", 0)],
    )
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_at_every_step(self, tmp_path: Path, as_pid_1: bool, point: str, code: int, number: signal.Signals) -> None:
        """Publishing is short and goes on to its end; before that the worker stops with 43."""
        one, hold = container(tmp_path, as_pid_1=as_pid_1), tmp_path / "hold"
        with one.started(POLYGLOT_HOLD=f"noop:{point}:{hold}") as process:
            until(lambda: Path(f"{hold}.reached").exists())
            tell(one.pid_1(process), number)
            hold.touch()
            out, _ = process.communicate(timeout=30)
        assert process.returncode == code
        assert (one.manifest is not None) == (code == 0)
        assert one.archived() == out

    def test_before_the_worker_exists(self, tmp_path: Path) -> None:
        one = container(tmp_path)
        with one.started(blocked=True) as process:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 43
        assert "before the worker had started" in one.stderr()
        assert one.attempts.numbers() == []  # and so without a start that would count against the stage

    def test_before_the_worker_listens(self, tmp_path: Path, as_pid_1: bool) -> None:
        one = container(tmp_path, as_pid_1=as_pid_1)
        with one.started(**slow_start(tmp_path, 1.0)) as process:
            until((tmp_path / "slow" / "reached").exists)
            os.kill(one.pid_1(process), signal.SIGTERM)
            assert process.wait(30) == 43
        assert one.attempts.starts(1) == 0

    def test_while_the_request_is_fetched(self, tmp_path: Path) -> None:
        one = container(tmp_path)
        stuck = {"POLYGLOT_REQUEST": "", "POLYGLOT_REQUEST_PATH": "r.json", "POLYGLOT_STORE": "s3://bucket/x"}
        nobody = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        with one.started(**stuck, **nobody, AWS_REGION="us-east-1") as process:
            time.sleep(1.0)  # it asks again and again
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 43

    def test_a_stopped_worker_goes_on_where_it_was(self, tmp_path: Path) -> None:
        one = container(tmp_path, "steps", steps=30, seconds=0.05)
        with one.started() as process:
            until(lambda: one.attempts.progress() is not None)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 43
        assert one.run()[0] == 0
        assert '"resumed": 0' in (one.root / "ledger").read_text().splitlines()[0]
        assert '"resumed": 0' not in (one.root / "ledger").read_text().splitlines()[1]


class TestOutput:
    def test_it_arrives_while_the_worker_runs(self, tmp_path: Path) -> None:
        one, hold = container(tmp_path), tmp_path / "hold"
        with one.started(POLYGLOT_HOLD=f"noop:inputs:{hold}") as process:
            assert process.stdout is not None
            assert b"noop one: attempt 1, start 1" in process.stdout.readline()
            hold.touch()
            assert process.wait(30) == 0

    def test_much_of_it_is_copied_and_archived_byte_for_byte(self, tmp_path: Path) -> None:
        one = container(tmp_path, "noisy", megabytes=20)
        code, out = one.run()
        assert code == 0
        assert out.count(b"\n") >= 20 * 1024
        assert out == (one.root / "work" / "log").read_bytes() == one.archived()

    def test_each_start_of_an_attempt_archives_its_own(self, tmp_path: Path) -> None:
        one = container(tmp_path, "failing", how="talk-and-die")
        outputs = [one.run()[1] for _ in range(3)]
        assert one.archived() == b"".join(outputs)

    def test_a_worker_that_dies_before_its_claim_leaves_its_words(self, tmp_path: Path) -> None:
        one, hold = container(tmp_path), tmp_path / "hold"
        for _ in range(2):
            Path(f"{hold}.reached").unlink(missing_ok=True)
            with one.started(POLYGLOT_HOLD=f"noop:started:{hold}") as process:
                until(lambda: Path(f"{hold}.reached").exists())
                os.kill(one.worker(process), signal.SIGKILL)
                assert process.wait(30) == 137
        assert one.archived().count(b"killed by SIGKILL") == 2

    def test_a_reader_that_is_gone_does_not_stop_the_worker(self, tmp_path: Path) -> None:
        one = container(tmp_path, "noisy", megabytes=5)
        with one.started() as process:
            assert process.stdout is not None
            process.stdout.close()
            assert process.wait(60) == 0
        assert one.manifest is not None


def test_orphans_are_reaped_and_no_zombie_stays(tmp_path: Path, as_pid_1: bool) -> None:
    one, hold = container(tmp_path, "noisy", as_pid_1=as_pid_1, orphans=40), tmp_path / "hold"
    with one.started(POLYGLOT_HOLD=f"noisy:ran:{hold}") as process:
        until(lambda: Path(f"{hold}.reached").exists())
        first = psutil.Process(one.pid_1(process))
        until(lambda: [child.pid for child in first.children(recursive=True)] == [one.worker(process)], 5)
        hold.touch()
        assert process.wait(30) == 0


class TestRequest:
    def test_from_the_store(self, tmp_path: Path) -> None:
        one = container(tmp_path)
        open_store(one.store_url).create("studies/s/requests/one.json", one.request.encode())
        code, _ = one.run(
            POLYGLOT_REQUEST="", POLYGLOT_REQUEST_PATH="studies/s/requests/one.json", POLYGLOT_STORE=one.store_url
        )
        assert code == 0

    @pytest.mark.parametrize(
        ("environment", "words"),
        [
            ({"POLYGLOT_REQUEST": ""}, "there is no request"),
            ({"POLYGLOT_REQUEST": "{"}, "the request is no JSON"),
            ({"POLYGLOT_REQUEST": "[1]"}, "the request is no JSON object"),
            ({"POLYGLOT_REQUEST": "", "POLYGLOT_REQUEST_PATH": "x"}, "POLYGLOT_STORE: not set"),
        ],
    )
    def test_one_that_cannot_be_used_is_permanent(
        self, tmp_path: Path, environment: dict[str, str], words: str
    ) -> None:
        one = container(tmp_path)
        assert one.run(**environment, OPENAI_API_KEY="sk-sentinel")[0] == 42
        assert words in one.stderr()
        assert one.stderr().count("\n") == 1
        assert "sk-sentinel" not in one.stderr()

    def test_one_that_is_not_in_the_store_is_permanent(self, tmp_path: Path) -> None:
        one = container(tmp_path)
        missing = {"POLYGLOT_REQUEST": "", "POLYGLOT_REQUEST_PATH": "x", "POLYGLOT_STORE": one.store_url}
        assert one.run(**missing)[0] == 42

    def test_a_place_that_cannot_be_written_is_told_in_one_line(self, tmp_path: Path) -> None:
        one = container(tmp_path)
        one.root.mkdir()
        (one.root / "work").write_text("not a directory")
        assert one.run()[0] == 1
        assert "cannot be put beside" in one.stderr()
