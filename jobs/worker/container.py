"""PID 1 of a worker's container: hears signals, starts the worker, shows its output, gathers what it leaves behind.

    python -m jobs.worker.container [--request FILE] [--work /work/attempt] [--cache /work/cache]
                                    [--termination-log FILE]

The request is the environment's POLYGLOT_REQUEST (JSON), or the object POLYGLOT_REQUEST_PATH of the store
POLYGLOT_STORE, or FILE. It and the log lie beside the work directory. The worker writes to the log file itself, so that
nothing it said is lost with it, whatever kills it; this process copies the file to its own stdout as it grows, and what
the worker could not archive any more it archives.

Exit code: the worker's; 128 + n when signal n ended it; 43 when asked to stop before the worker existed; 42 when there
is no usable request. With every end but 0 the reason goes, in one line, to /dev/termination-log.

SIGTERM and SIGINT are blocked from the first line on and are therefore never lost, neither here nor in the worker,
which unblocks them once it listens. (While the interpreter itself starts, some 20 ms, the kernel drops a SIGTERM to
PID 1; nothing in a container can help that.)
"""

import signal

if __name__ == "__main__":  # before all other imports, which take longer than this
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})

import argparse  # noqa: E402
import contextlib  # noqa: E402
import ctypes  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from pathlib import Path  # noqa: E402

from jobs.worker import secrecy  # noqa: E402
from jobs.worker.log_mark import LogMark, archive_rest  # noqa: E402
from jobs.worker.process import peak_memory_bytes  # noqa: E402
from jobs.worker.secrecy import without_secrets  # noqa: E402
from jobs.worker.tee import Tee  # noqa: E402
from polyglot.core.errors import BadInput, Exit, Missing, PolyglotError, Refused  # noqa: E402
from polyglot.core.line import one_line  # noqa: E402
from polyglot.core.stage import WorkDocument  # noqa: E402

_STOP = (signal.SIGTERM, signal.SIGINT)
_PR_SET_CHILD_SUBREAPER = 36
_SHIP_SECONDS = 30.0  # for the rest of the log; a container that was killed has little more


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker to its end and return the exit code of the container."""
    parser = argparse.ArgumentParser(prog="jobs.worker.container", description="PID 1 of a worker's container")
    parser.add_argument("--request", type=Path, help="the attempt, as JSON, when the environment does not hold it")
    parser.add_argument("--work", type=Path, default=Path("/work/attempt"))
    parser.add_argument("--cache", type=Path, default=Path("/work/cache"))
    parser.add_argument("--termination-log", type=Path, default=secrecy.TERMINATION_LOG)
    options = parser.parse_args(arguments)
    code, why = _run(options)
    if code != Exit.FINE:
        secrecy.tell(why, to=options.termination_log)
    return code


def _run(options: argparse.Namespace) -> tuple[int, str]:
    """Run the worker to its end; return the exit code, and in one line why it is not 0."""
    _adopt_orphans()
    prepared: list[WorkDocument | PolyglotError] = []
    thread = threading.Thread(target=lambda: prepared.append(_prepare(options)), name="request", daemon=True)
    thread.start()  # the store may take its time, and a signal must not
    while thread.is_alive() and not _stop_pending():
        thread.join(0.02)
    if _stop_pending():
        return Exit.INTERRUPTED_WORKER, _say("asked to stop before the worker had started")
    if isinstance(prepared[0], PolyglotError):
        permanent = isinstance(prepared[0], BadInput | Missing | Refused)
        return Exit.PERMANENT if permanent else Exit.FAILED, _say(str(prepared[0]))
    request = prepared[0]

    places = _Places(options.work)
    worker = _start(places, options.cache)
    follower = Tee(places.log, sys.stdout.fileno())
    follower.start()
    code = os.waitstatus_to_exitcode(_wait(worker))
    why = secrecy.said(places.reason) or f"the worker ended with {code} and gave no reason"
    if code < 0:
        killed = f"the worker was killed by {signal.Signals(-code).name}"
        places.note(killed)
        why = f"{killed}; its peak memory was {peak_memory_bytes(resource.RUSAGE_CHILDREN) / 2**30:.2f} GiB"
    if not places.is_archived():
        _archive(request, places)
    follower.finish()
    return code if code >= 0 else 128 - code, why


class _Places:
    """The files beside the work directory."""

    def __init__(self, work: Path) -> None:
        self.work = work
        names = ("request.json", "log", "log.archived", "reason")
        self.request, self.log, self.mark, self.reason = (work.parent / name for name in names)

    def is_archived(self) -> bool:
        """True when the worker has archived its log to the last byte."""
        return LogMark.read(self.mark).offset == self.log.stat().st_size

    def note(self, text: str) -> None:
        """Add a line to the log, and so to the archive and to stdout."""
        with contextlib.suppress(OSError), self.log.open("a", encoding="utf-8") as file:  # the disk may be full
            file.write(f"polyglot.container: {text}\n")


def _prepare(options: argparse.Namespace) -> WorkDocument | PolyglotError:
    """Put the request where the worker reads it and return it; an error is returned too."""
    try:
        data = _request(options.request)
        try:
            request: WorkDocument = json.loads(data)
        except ValueError as error:
            raise BadInput(f"the request is no JSON ({error})") from None
        if not isinstance(request, dict):
            raise BadInput("the request is no JSON object")
        places = _Places(options.work)
        places.work.parent.mkdir(parents=True, exist_ok=True)
        places.request.write_bytes(data)
        for leftover in (places.log, places.mark, places.reason):
            leftover.unlink(missing_ok=True)
        if home := os.environ.get("HOME"):
            with contextlib.suppress(OSError):  # a read-only one is the user's choice
                Path(home).mkdir(parents=True, exist_ok=True)
        return request
    except PolyglotError as error:
        return error
    except OSError as error:
        return PolyglotError(f"the request cannot be put beside {options.work}: {error.strerror}")
    except Exception as error:
        return PolyglotError(f"the request cannot be read: {type(error).__name__}: {error}")


def _request(file: Path | None) -> bytes:
    if text := os.environ.get("POLYGLOT_REQUEST"):
        return text.encode()
    if path := os.environ.get("POLYGLOT_REQUEST_PATH"):
        from polyglot.store.locate import open_store  # here, because it takes a while and is seldom needed

        url = os.environ.get("POLYGLOT_STORE")
        if not url:
            raise BadInput("not set, while POLYGLOT_REQUEST_PATH is", where="POLYGLOT_STORE", expected="a store's URL")
        return open_store(url).read(path)
    if file is not None and file.is_file():
        return file.read_bytes()
    raise BadInput("there is no request", remedy="Set POLYGLOT_REQUEST, or POLYGLOT_REQUEST_PATH and POLYGLOT_STORE")


def _start(places: _Places, cache: Path) -> int:
    """Start the worker, its output going to the log, its stop signals blocked until it listens; return its id."""
    command = [sys.executable, "-m", "jobs.worker", "--request", str(places.request), "--work", str(places.work)]
    command += ["--cache", str(cache), "--log", str(places.log), "--log-mark", str(places.mark)]
    command += ["--reason", str(places.reason), "--parent", str(os.getpid())]
    environment = {name: value for name, value in os.environ.items() if name != "POLYGLOT_REQUEST"}
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        sys.executable,
        command,
        {**environment, "PYTHONUNBUFFERED": "1"},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(places.log), flags, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsigmask=_STOP,
    )


def _wait(worker: int) -> int:
    """Forward signals and reap whoever ends, until the worker has ended; return its wait status."""
    while True:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError as error:
                raise RuntimeError("the worker is gone and nobody saw it end") from error
            if pid == 0:
                break
            if pid == worker:
                return status
        heard = signal.sigwaitinfo({*_STOP, signal.SIGCHLD})
        if heard.si_signo in _STOP:
            os.kill(worker, heard.si_signo)  # it cannot be gone: it is reaped above only


def _archive(request: WorkDocument, places: _Places) -> None:
    """Put the rest of the log into the store, for as long as that may take."""

    def archive() -> None:
        try:
            archive_rest(request, places.log, places.mark)
        except Exception as error:
            _say(f"the end of the log could not be archived: {type(error).__name__}: {error}")

    thread = threading.Thread(target=archive, name="archive", daemon=True)
    thread.start()
    thread.join(_SHIP_SECONDS)
    if thread.is_alive():
        _say(f"the end of the log could not be archived within {_SHIP_SECONDS:.0f} s")


def _adopt_orphans() -> None:
    """Become the parent of orphaned descendants, as PID 1 is anyway."""
    if os.getpid() != 1 and sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _stop_pending() -> bool:
    return not signal.sigpending().isdisjoint(_STOP)


def _say(text: str) -> str:
    """Print a line, without secrets, and return it."""
    line = one_line(without_secrets(text))
    print(f"polyglot.container: {line}", file=sys.stderr, flush=True)
    return line


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # no thread that still waits for a store may hold the container
