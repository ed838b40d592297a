"""Two checkouts of polyglot side by side: where each is, its environment, and what a command of it takes.

How far back the other may lie is told by `_side.py`, which names what has moved twice; everything else is asked of the
command line, which has stayed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A process's peak of memory begins as that of the one that started it: so this small one does. It has one child,
# whose figures, those of the child's own children with them, it writes to a file.
_APART = """
import os, sys, time
began = time.perf_counter()
process = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(process, 0)
with open(sys.argv[1], "w") as file:
    file.write(f"[{time.perf_counter() - began}, {used.ru_utime + used.ru_stime}, {used.ru_maxrss / 1024}]")
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""
# of Took: form and unit of a figure, and what a ratio of it is of
_FIGURES = {
    "clock": (".2f", "s by the clock", "by the clock"),
    "processors": (".2f", "s of processors", "of processors"),
    "mib": (".0f", "MiB", "of memory"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What a command printed, its seconds by the clock and of processors, its children's too; MiB of the largest."""

    output: str
    errors: str
    clock: float
    processors: float
    mib: float

    def inside(self) -> "Took":
        """The same with the seconds that it printed last: those of its work, without what it had to import."""
        seconds: Mapping[str, float] = json.loads(self.output.splitlines()[-1])
        return replace(self, **seconds)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Those that every bench of two checkouts has."""
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--other", type=Path, help="another checkout, with its .venv")


def sides(other: Path | None) -> dict[str, Path]:
    """This checkout, and the other one where there is one, by name."""
    return {"here": ROOT, **({"there": other.resolve()} if other else {})}


def took(command: Sequence[str], place: Path, folder: Path, **more: str) -> Took:
    """Run a command by the code of a checkout, in a folder. Raises RuntimeError with its last words when it fails.

    The program is named by its whole path. Nothing of the environment says where polyglot keeps things but `more`;
    modules are compiled once, as a user's are.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POLYGLOT_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    environment: Mapping[str, str] = {**kept, "PYTHONPATH": str(place), **more}
    with tempfile.NamedTemporaryFile(prefix="took-") as figures:
        apart = [sys.executable, "-I", "-S", "-c", _APART, figures.name, *command]
        done = subprocess.run(apart, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)[:200]}: {done.stderr[-3000:]}")
        clock, processors, mib = json.load(figures)
    return Took(output=done.stdout, errors=done.stderr, clock=clock, processors=processors, mib=mib)


def polyglot(place: Path, *words: str) -> list[str]:
    """The command line of a checkout."""
    return [str(place / ".venv/bin/python"), "-m", "polyglot", *words]


def work(place: Path, *words: str) -> list[str]:
    """A piece of work of `_side.py` by the code of a checkout."""
    return [str(place / ".venv/bin/python"), "-P", str(ROOT / "tests/bench/_side.py"), *words]


def alternate(
    checkouts: Mapping[str, Path], rounds: int, run: Callable[[str, Path], Took]
) -> Mapping[str, Sequence[Took]]:
    """Run every side in each round, the last one of a round first in the next."""
    found: dict[str, list[Took]] = {side: [] for side in checkouts}
    for number in range(rounds):
        for side in list(checkouts)[:: -1 if number % 2 else 1]:
            found[side].append(run(side, checkouts[side]))
    return found


def tell(what: str, found: Mapping[str, Sequence[Took]]) -> None:
    """Print medians and ranges of each side, and those of the ratios, the other one's figures over this one's."""
    for side, runs in found.items():
        figures = [_spread([getattr(run, name) for run in runs], *form[:2]) for name, form in _FIGURES.items()]
        print(f"{what:32} {side:6} {', '.join(figures)}", flush=True)
    if len(found) == 2:
        pairs = list(zip(*found.values(), strict=True))
        figures = [
            _spread([getattr(there, name) / getattr(here, name) for here, there in pairs], ".2f", f"x {of}")
            for name, (_, _, of) in _FIGURES.items()
        ]
        print(f"{what:32} ratio  {', '.join(figures)}; pairs: {len(pairs)}", flush=True)


def _spread(values: Sequence[float], form: str, unit: str) -> str:
    middle, low, high = (f"{value:,{form}}" for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} {unit} ({low}-{high})"
