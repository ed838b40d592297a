"""Containers without a container engine: `jobs.worker.container` as a process, or as PID 1 of a PID namespace."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from polyglot.attempts.attempts import Attempts
from polyglot.core.stage import PlannedStage
from polyglot.schedulers.base import Attempt
from polyglot.store.committed import committed
from polyglot.store.locate import open_store
from polyglot.store.manifest import Manifest
from tests.kit.graphs import JOBS

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Container:
    """One attempt in one container below `root`; several containers may share the store."""

    root: Path
    planned: PlannedStage
    store_url: str
    number: int = 1
    input_kinds: Mapping[str, str] = field(default_factory=dict)
    as_pid_1: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def request(self) -> str:
        attempt = Attempt(
            planned=self.planned, number=self.number, store_url=self.store_url, input_kinds=self.input_kinds
        )
        return json.dumps(attempt.request())

    @property
    def attempts(self) -> Attempts:
        return Attempts(open_store(self.store_url), self.planned.stage)

    @property
    def manifest(self) -> Manifest | None:
        return committed(open_store(self.store_url), self.planned.stage.kind, self.planned.key)

    @property
    def termination_log(self) -> Path:
        return self.root / "termination-log"

    def archived(self) -> bytes:
        return b"".join(self.attempts.log(self.number))

    @contextmanager
    def started(self, *, blocked: bool = False, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
        """The container's process, killed at the end; its stdout is a pipe. `blocked`: born deaf to SIGTERM."""
        self.root.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "jobs.worker.container", "--work", str(self.root / "work" / "attempt")]
        self.termination_log.touch()  # as the kubelet does
        command += ["--cache", str(self.root / "work" / "cache"), "--termination-log", str(self.termination_log)]
        if self.as_pid_1:
            command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *command]
        environment = {**os.environ, **JOBS, "POLYGLOT_REQUEST": self.request, "HOME": str(self.root / "work" / "home")}
        environment["POLYGLOT_TEST_LEDGER"] = str(self.root / "ledger")
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={name: value for name, value in {**environment, **self.environment, **more}.items() if value},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=(self.root / "stderr").open("wb"),
            preexec_fn=(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})) if blocked else None,  # type: ignore[arg-type,return-value]  # noqa: PLW1509
        )
        try:
            yield process
        finally:
            for one in [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []:
                one.kill()
            process.kill()
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()

    def run(self, **more: str) -> tuple[int, bytes]:
        """Run to the end; returns exit code and stdout."""
        with self.started(**more) as process:
            out, _ = process.communicate(timeout=120)
            return process.returncode, out

    def pid_1(self, process: "subprocess.Popen[bytes]") -> int:
        """The container's first process, as this namespace numbers it."""
        if not self.as_pid_1:
            return process.pid
        return int(psutil.Process(process.pid).children()[0].pid)

    def worker(self, process: "subprocess.Popen[bytes]") -> int:
        """The worker, once it runs."""
        children = psutil.Process(self.pid_1(process)).children()
        return next(int(child.pid) for child in children if "jobs.worker" in child.cmdline())

    def members(self, process: "subprocess.Popen[bytes]") -> list[int]:
        """The processes that the worker of a pod of several has started, by their place."""
        found = psutil.Process(self.worker(process)).children()
        return [int(one.pid) for one in sorted(found, key=lambda one: int(one.environ()["POLYGLOT_LOCAL_RANK"]))]

    def stderr(self) -> str:
        return (self.root / "stderr").read_text()
