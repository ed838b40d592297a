"""The cluster's daemons: started in its groups and namespace, each with a log and a file that names its process.

run/pids/<name>       {"pid": 4711, "started": <the kernel's start time>}: a reused number is not taken for it
run/commands/<name>   the command line, so that a daemon can be started again
run/logs/<name>.log
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tools.cluster import cgroups, network, places
from tools.cluster.shell import ClusterError, tail, wait_until


def start(name: str, argv: Sequence[str | Path], *, pass_fds: tuple[int, ...] = ()) -> None:
    """Start a daemon inside the namespace. It outlives this process."""
    for folder in ("pids", "commands", "logs"):
        (places.run() / folder).mkdir(parents=True, exist_ok=True)
    (places.run() / "commands" / name).write_text(json.dumps([str(word) for word in argv]))
    with log(name).open("ab") as output:
        process = subprocess.Popen(
            network.entered(*argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
            cwd="/",
            start_new_session=True,
            preexec_fn=cgroups.enter,  # noqa: PLW1509 - no threads of ours hold locks here
        )
    content = {"pid": process.pid, "started": _started(process.pid)}
    (places.run() / "pids" / name).write_text(json.dumps(content))


def start_again(name: str) -> None:
    """Start a daemon that was stopped, with its old command line."""
    if pid(name) is None:
        start(name, json.loads((places.run() / "commands" / name).read_text()))


def stop(name: str, *, seconds: float = 20) -> None:
    """End one daemon: SIGTERM, then SIGKILL. None of that name: nothing to do."""
    number = pid(name)
    if number is None:
        return
    os.kill(number, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while pid(name) is not None:
        if time.monotonic() > deadline:
            os.kill(number, signal.SIGKILL)
        time.sleep(0.05)


def send(name: str, number: signal.Signals) -> None:
    """Send a signal, such as SIGSTOP and SIGCONT, to a daemon that must run."""
    found = pid(name)
    if found is None:
        raise ClusterError(f"{name} does not run")
    os.kill(found, number)


def pid(name: str) -> int | None:
    """Return a daemon's process id while it runs."""
    try:
        content = json.loads((places.run() / "pids" / name).read_text())
    except FileNotFoundError:
        return None
    number = int(content["pid"])
    return number if _started(number) == content["started"] is not None else None


def paused(name: str) -> bool:
    """True for a daemon that SIGSTOP holds."""
    number = pid(name)
    return number is not None and _fields(number)[0] == "T"


def names() -> list[str]:
    """Return the daemons that were started, in that order."""
    folder = places.run() / "pids"
    return [path.name for path in sorted(folder.glob("*"), key=lambda path: path.stat().st_mtime_ns)]


def log(name: str) -> Path:
    """Return a daemon's log."""
    return places.logs() / f"{name}.log"


def wait_for(name: str, what: str, *argv: str | Path, seconds: float = 120) -> None:
    """Wait until a command succeeds; ClusterError with the daemon's log when it does not."""

    def answers() -> bool:
        if pid(name) is None:
            return False
        done = subprocess.run(list(map(str, argv)), capture_output=True, timeout=20, check=False)
        return done.returncode == 0

    def over() -> bool:
        return answers() or pid(name) is None

    try:
        wait_until(over, f"{name}: {what}", seconds=seconds)
    except (ClusterError, subprocess.TimeoutExpired) as error:
        raise ClusterError(f"{name}: {what}: not within {seconds:g} s\n{tail(log(name))}") from error
    if pid(name) is None:
        raise ClusterError(f"{name} ended while it started\n{tail(log(name))}")


def _started(number: int) -> int | None:
    """Return the kernel's start time of a process in clock ticks; None for one that is gone or a zombie."""
    try:
        fields = _fields(number)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _fields(number: int) -> list[str]:
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
