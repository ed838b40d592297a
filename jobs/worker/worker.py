"""The worker: runs one attempt at one stage, from a request to a committed manifest.

    python -m jobs.worker --request FILE [--work DIR] [--cache DIR] [--log FILE] [--log-mark FILE] [--parent PID]
                          [--reason FILE] [--lock-fd FD]

Exit codes: 0 the manifest stands (whoever committed it), 3 over budget, 42 permanent, 43 asked to stop and progress
saved, 44 out of memory as Python saw it, 45 an input is not committed (any more), 124 the attempt's deadline passed,
1 anything else, to be tried again. A reason in one line and the traceback are recorded for every end but 0, 43 and 45;
the line, that of these two too, is left in --reason as well, since a store that refuses us keeps no record. SIGTERM
never interrupts publishing: it is short, and what it leaves at a SIGKILL is either nothing or a done stage.

Environment: POLYGLOT_JOBS_PACKAGE names the package whose modules are the kinds (default "jobs"), POLYGLOT_HOLD a
failpoint (jobs.worker.failpoint). Secrets (OPENAI_API_KEY, AWS_*) come by environment or as files, never in the
request.

With POLYGLOT_RANKS > 1 every pod (POLYGLOT_RANK) runs a worker, and where the request asks for several processes of a
pod, that starts one worker for each (jobs.worker.group). Those of a training work together: the first of all claims the
attempt, reports, saves and publishes; the others train and end with 0 only when the manifest is there. The first of
each pod records the pod's start and archives the pod's output. When one is lost its peers fail; each waits ten seconds
for the SIGTERM that the end of its pod or of the Job brings, to end with 43. Pods of `answer` are shards, which need
nothing of each other: each stores its part and ends with 0, and whoever sees all parts merges them and publishes.
"""

import argparse
import contextlib
import dataclasses
import importlib
import json
import logging
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from jobs.lib.ranks import Ranks, named
from jobs.worker import environment, group
from jobs.worker.context import Places, WorkerContext
from jobs.worker.earlier import EarlierWork
from jobs.worker.exit_status import ExitStatus, exit_status_of
from jobs.worker.failpoint import HOLD, HoldingStore, failpoint
from jobs.worker.process import (
    StopSign,
    block_import,
    peak_memory_bytes,
    pod_peak_bytes,
    stay_on_leash,
)
from jobs.worker.reporter import Reporter
from jobs.worker.secrecy import Formatter, without_secrets
from polyglot.attempts.attempts import PERMANENT, Attempts, Failure, start_line
from polyglot.attempts.checkpoints import StoredCheckpoints
from polyglot.attempts.history import History
from polyglot.attempts.publish import publish
from polyglot.core.canonical import Json
from polyglot.core.errors import Exit, Faults, Hang, Interrupted, Permanent, PolyglotError
from polyglot.core.line import one_line
from polyglot.core.stage import Resources, Stage, WorkDocument
from polyglot.kinds.registry import kind_of
from polyglot.kinds.settings import threads_of
from polyglot.store.artifact import BlobCache, StoredArtifact
from polyglot.store.committed import committed
from polyglot.store.locate import open_store
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store

MAX_STARTS_WITHOUT_PROGRESS = 5
# A directory shows a chunk of log as soon as it is written; objects cost money and time each.
_EVERY_SECONDS = {"file": 1.0}
_EVERY_SECONDS_OTHERWISE = 5.0
_PEERS_END_SECONDS = 10.0
_LOOK_SECONDS = 1.0
_LAST_WORDS_SECONDS = 30.0  # the store may be away, or the log's lock held for ever
_ORPHAN_GRACE_SECONDS = 30  # nobody waits for a worker whose driver is dead

log = logging.getLogger("polyglot.worker")


def module_name(kind: str) -> str:
    """The module that runs a kind of stage."""
    return f"{os.environ.get('POLYGLOT_JOBS_PACKAGE', 'jobs')}.{kind}.job"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one attempt and return the exit code."""
    parser = argparse.ArgumentParser(prog="jobs.worker", description="run one attempt at one stage")
    parser.add_argument("--request", type=Path, required=True, help="the attempt, as JSON")
    parser.add_argument("--work", type=Path, help="an empty directory; removed at the end")
    parser.add_argument("--cache", type=Path, help="verified inputs, shared between workers")
    parser.add_argument("--log", type=Path, help="the file that stdout and stderr are written to, to be archived")
    parser.add_argument("--log-mark", type=Path, help="where to say how much of the log, this start's own, is archived")
    parser.add_argument("--reason", type=Path, help="where to say in one line why it ended")
    parser.add_argument("--parent", type=int, help="stop when this process is gone")
    parser.add_argument("--lock-fd", type=int, help="a descriptor to hold open to the end")
    options = parser.parse_args(arguments)
    request: WorkDocument = json.loads(options.request.read_text(encoding="utf-8"))
    resources = Resources(**request["resources"])
    processes = kind_of(request["stage"]["kind"]).processes(resources, request["settings"])
    if processes > 1 and not group.is_member():
        return group.Group(options, processes, grace_seconds=resources.grace_seconds).run()

    stop = StopSign(deadline_seconds=resources.deadline_seconds)
    stop.listen()
    if options.parent is not None:
        stay_on_leash(options.parent, grace_seconds=min(resources.grace_seconds, _ORPHAN_GRACE_SECONDS))
    if options.lock_fd is not None:
        os.set_inheritable(options.lock_fd, False)  # programs that the job starts shall not hold the lock
    _set_up_log()
    work = options.work or Path(tempfile.mkdtemp(prefix="polyglot-"))
    places = Places(
        work=work,
        cache=options.cache or work / "cache",
        log=options.log,
        log_mark=options.log_mark,
        reason=options.reason,
    )
    try:
        try:
            worker = Worker(request, resources, places, stop)
        except PolyglotError as error:  # what names no store, or no rank, can be recorded nowhere
            log.error("%s: %s", request["label"], error)
            places.say_why(str(error))
            return int(Exit.PERMANENT)
        return int(worker.run())
    finally:
        shutil.rmtree(work, ignore_errors=True)


class Worker:
    """One attempt."""

    def __init__(self, request: WorkDocument, resources: Resources, places: Places, stop: StopSign) -> None:
        self.stage = Stage.from_document(request["stage"]).as_keyed()
        self.label = request["label"]
        self.number = request["attempt"]
        self.settings = request["settings"]
        self.input_kinds = request["input_kinds"]
        self.ranks = Ranks.read()
        self.kind = kind_of(self.stage.kind)
        self.sharded = self.ranks.ranks > 1 and self.kind.ranks == "shards"
        self.together = Ranks() if self.sharded else self.ranks  # those that work on one computation
        # as many pods as work on it, not as were planned; of a pod's processors this process has its share
        cpus = max(1, resources.cpus // self.ranks.local_ranks)
        self.resources = dataclasses.replace(resources, ranks=self.together.pods, cpus=cpus)
        self.places, self.stop = places, stop
        self.store: Store = open_store(request["store"])
        self.attempts = Attempts(self.store, self.stage, rank=self.ranks.pod)
        self.seconds: dict[str, float] = {}

    def run(self) -> Exit:
        """Do everything, record what went wrong, and say how it ended."""
        failpoint(self.stage.kind, "started")
        try:
            inputs = self._inputs()
            if inputs is None:
                self.places.say_why("an input is not committed any more")
                return Exit.INPUT_WITHDRAWN  # nothing to record: the engine makes it again
            if self._is_done(inputs):
                log.info("%s is committed already", self.label)
                return Exit.FINE
            if self.stop:
                raise Interrupted("asked to stop before anything was done")  # and so without a start that is counted
            failure = self.attempts.failure(self.number)
            if failure is not None and failure.outcome == PERMANENT:  # of another driver's worker, while we had to wait
                log.error("%s: failed for good already: %s", self.label, failure.reason)
                self.places.say_why(failure.reason)
                return Exit.PERMANENT
            start = self._start()
        except Exception as error:
            return self._record(error)
        failpoint(self.stage.kind, "claimed")
        scheme = self.store.url.partition("://")[0]
        reporter = Reporter(
            self.attempts,
            self.number,
            start,
            log_file=self.places.log,
            mark_file=self.places.log_mark,
            log=log,
            every_seconds=_EVERY_SECONDS.get(scheme, _EVERY_SECONDS_OTHERWISE),
        )
        reporter.start()
        began = start_line(self.number, start, rank=self.ranks.rank, ranks=self.ranks.ranks)
        log.info("%s: %s", self.label, began)
        try:
            self._work(inputs, start, reporter)
            return Exit.FINE
        except BaseException as error:  # SystemExit too: a job that calls sys.exit has not committed
            code = self._record(error)
            if code is Exit.INTERRUPTED_WORKER and self.stop and self.ranks.first_of_pod:
                with contextlib.suppress(PolyglotError, OSError):  # without it the start counts, no more
                    self.attempts.stop(self.number, start)
            return code
        finally:
            reporter.close()

    # The steps of an attempt

    def _start(self) -> int:
        """The number of this start of this pod, which its first process records."""
        if not self.ranks.first_of_pod:
            return max(1, self.attempts.starts(self.number))
        who: dict[str, Json] = {"host": socket.gethostname(), "process": os.getpid(), "processes": self.together.ranks}
        return self.attempts.record_start(self.number, who)

    def _inputs(self) -> dict[str, Manifest] | None:
        """The committed manifest of every input, by role; None when one is not committed."""
        found = {}
        for role, key in self.stage.inputs.items():
            manifest = committed(self.store, self.input_kinds[role], key)
            if manifest is None:
                log.warning("%s: input %r (%s %s) is not committed", self.label, role, self.input_kinds[role], key[:12])
                return None
            found[role] = manifest
        return found

    def _is_done(self, inputs: Mapping[str, Manifest]) -> bool:
        manifest = committed(self.store, self.stage.kind, self.stage.key)
        return manifest is not None and all(manifest.inputs[role] == inputs[role].result for role in inputs)

    def _work(self, inputs: Mapping[str, Manifest], start: int, reporter: Reporter) -> None:
        if self.ranks.ranks > 1 and self.kind.ranks == "alone":
            raise Permanent(f"ranks: {self.stage.kind} runs in one process, and the Job has {self.ranks.ranks}")
        earlier = EarlierWork(self.store, self.stage, self.settings, inputs, self.ranks)
        counts = self.ranks.first or self.sharded  # a rank that only helps another makes no progress of its own
        starts = History(self.store, self.stage, rank=self.ranks.pod).starts_without_progress() if counts else 0
        if starts > MAX_STARTS_WITHOUT_PROGRESS:
            raise Permanent(f"{starts - 1} starts without progress; the log of the last one says how far it came")
        places = self.places.make()
        cache = BlobCache(self.store, self.places.cache)
        threads = threads_of(self.settings) or self.resources.cpus
        environment.set_threads(threads)
        if self.resources.gpus:
            environment.prepare_for_gpus(own_torch=self.kind.environment(self.settings) == "")
        with self._timed("inputs"):
            artifacts = {
                role: StoredArtifact(self.store, manifest, self.places.cache) for role, manifest in inputs.items()
            }
        failpoint(self.stage.kind, "inputs")
        journal = earlier.journal(self.number, start)
        context = WorkerContext(
            stage=self.stage,
            resources=self.resources,
            settings=self.settings,
            inputs=artifacts,
            out=places["out"],
            work=places["scratch"],
            checkpoints=StoredCheckpoints(self.store, self.stage, self.number, start, fit=earlier.fit),
            journal=journal,
            log=logging.getLogger(f"polyglot.{self.stage.kind}"),
            cache=cache,
            reporter=reporter if self.ranks.first else None,
            stop=self.stop,
            end=self._give_up,
            shards=earlier.parts() if self.sharded else None,
            label=self.label,
            replies=earlier.replies(),
            attempts=self.attempts,
            number=self.number,
            start=start,
        )
        context.raise_if_stopping()
        # pyarrow imports pandas, which takes seconds, at its first conversion, only to ask whether it got a data frame
        if not self.kind.uses_pandas(self.settings):
            block_import("pandas")
        if self.together.ranks > 1:
            os.environ.update(self.ranks.for_torch())
        with self._timed("run"), journal:
            importlib.import_module(module_name(self.stage.kind)).run(context)
        failpoint(self.stage.kind, "ran")
        if not context.complete:
            return
        if not self.ranks.first and not self.sharded:
            self._await_manifest(inputs, context)
            return
        with self._timed("publish"):
            manifest = self._publish(context, {role: found.result for role, found in inputs.items()}, threads)
        failpoint(self.stage.kind, "published")
        took = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in self.seconds.items())
        log.info("%s: committed as %s (%s)", self.label, manifest.result[:12], took)

    def _await_manifest(self, inputs: Mapping[str, Manifest], context: WorkerContext) -> None:
        """Stay until the first rank has published; when it fails, the end of the Job ends this rank too."""
        log.info("%s: done; waiting for the first rank's manifest", self.label)
        while not self._is_done(inputs):
            context.raise_if_stopping()
            time.sleep(_LOOK_SECONDS)

    def _publish(self, context: WorkerContext, inputs: Mapping[str, str], threads: int) -> Manifest:
        kind = self.stage.kind
        store = HoldingStore(self.store, kind) if HOLD in os.environ else self.store
        volatile = {
            **context.volatile,
            "seconds": {name: round(seconds, 3) for name, seconds in self.seconds.items()},
            "attempt": self.number,
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "peak_memory_bytes": peak_memory_bytes() if self.ranks.local_ranks == 1 else pod_peak_bytes(),
            **environment.device_peak(),
        }
        return publish(
            store,
            self.stage,
            context.out,
            inputs=inputs,
            execution=environment.execution(
                kind, threads=threads, resources=self.resources, ranks=self.together, settings=self.settings
            ),
            provenance=environment.provenance(),
            metrics=context.metrics,
            volatile=volatile,
            # nor does an engine of another environment promise equal bytes
            deterministic=not (self.kind.networked or self.resources.gpus or self.kind.environment(self.settings)),
        )

    # How it ended

    def _record(self, error: BaseException) -> Exit:
        """Log what was raised, say why, and leave the failure record."""
        end = exit_status_of(error, late=self.stop.late, deadline_seconds=self.resources.deadline_seconds)
        is_own = self.together.ranks == 1 or isinstance(error, Hang)  # whom a hang is due to is known
        if end.code is Exit.FAILED and not is_own and self._is_stopped_soon(end.reason):
            end = ExitStatus(code=Exit.INTERRUPTED_WORKER, reason=f"another rank failed: {end.reason}")
        self.places.say_why(end.reason)
        if end.code is Exit.INTERRUPTED_WORKER:
            log.info("%s: stopped as asked", self.label)
            return end.code
        log.error("%s: %s", self.label, end.reason, exc_info=error)
        failure = Failure(
            reason=end.reason if self.ranks.local_ranks == 1 else named(self.ranks.rank, end.reason),
            outcome=end.outcome,
            detail=without_secrets("".join(traceback.format_exception(error))),
            peak_memory_bytes=end.peak_memory_bytes,
            had=self._had(end),
            findings=tuple(map(one_line, map(without_secrets, error.lines))) if isinstance(error, Faults) else (),
        )
        with contextlib.suppress(PolyglotError, OSError):  # the exit code says it too, and the engine records that
            self.attempts.fail(self.number, failure)
        return end.code

    def _give_up(self, error: Exception) -> NoReturn:
        """Record an error and end the process, in whatever the main thread is."""
        threading.Timer(_LAST_WORDS_SECONDS, os._exit, (int(Exit.FAILED),)).start()
        code = self._record(error)
        sys.stderr.flush()
        os._exit(code)

    def _had(self, end: ExitStatus) -> int | None:
        """How much this attempt had of what it ran out of."""
        if end.of_device:
            return self.kind.held_at_once(self.settings)[1] or None
        return self.resources.memory_bytes if end.code is Exit.OUT_OF_MEMORY_WORKER else None

    def _is_stopped_soon(self, reason: str) -> bool:
        """True when the SIGTERM comes that the end of another rank brings upon this one; what failed then is that rank.

        Peers see a broken connection before anybody tells them why.
        """
        log.warning("%s: rank %d failed: %s", self.label, self.ranks.rank, reason)
        until = time.monotonic() + _PEERS_END_SECONDS
        while time.monotonic() < until and not self.stop:
            time.sleep(0.05)
        return bool(self.stop) and not self.stop.late

    @contextlib.contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - began


def _set_up_log() -> None:
    handler = logging.StreamHandler(sys.stderr)
    formatter = Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("httpx", "botocore", "urllib3", "fsspec"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("torch.utils._pytree").setLevel(logging.ERROR)  # warns of torchao, which transformers imports
