"""Commands with a time limit, waiting with a deadline, and errors of one line."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class ClusterError(Exception):
    """The cluster cannot do this. Its text starts with one line that says what and why; a log's tail may follow."""


def say(text: str) -> None:
    """Tell the user what happens, on stderr."""
    print(text, file=sys.stderr, flush=True)


def call(
    *argv: str | Path,
    seconds: float = 60,
    stdin: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a command and return its standard output; ClusterError with the end of its output when it fails."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words, input=stdin, text=True, capture_output=True, timeout=seconds, cwd=cwd, env=env, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"`{_short(words)}` did not end within {seconds:g} s") from error
    except FileNotFoundError as error:
        raise ClusterError(f"there is no program `{words[0]}` on this machine") from error
    if done.returncode:
        raise ClusterError(f"`{_short(words)}` failed with {done.returncode}: {(done.stderr or done.stdout)[-3000:]}")
    return done.stdout


def wait_until(true: Callable[[], object], what: str, *, seconds: float = 120, every: float = 0.2) -> None:
    """Ask `true` until it is; a ClusterError from it is not yet. After `seconds`: ClusterError naming `what`."""
    deadline, reason = time.monotonic() + seconds, ""
    while True:
        try:
            if true():
                return
        except ClusterError as error:
            reason = f": {error}"
        if time.monotonic() > deadline:
            raise ClusterError(f"{what}: not within {seconds:g} s{reason}")
        time.sleep(every)


def unmount_below(folder: Path) -> None:
    """Unmount whatever is mounted below a folder, so that deleting it deletes nothing else."""
    folder = folder.resolve()
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in reversed([point for point in points if point.startswith(f"{folder}/")]):  # the latest first
        call("umount", "--lazy", point)


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, for an error message."""
    if not log.exists():
        return f"({log} was not written)"
    text = log.read_bytes()[-20_000:].decode(errors="replace").splitlines()[-lines:]
    return "\n".join([f"--- {log}", *text])


def _short(words: Sequence[str]) -> str:
    text = " ".join(words)
    return text if len(text) <= 200 else text[:200] + "…"
