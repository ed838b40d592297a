"""Two checkouts of polyglot side by side: where each is, its environment, and what a command of it takes."""

import argparse
import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What a command printed, and its seconds by the clock and of processors, its children's too."""

    output: str
    errors: str
    clock: float
    processors: float


def add_options(parser: argparse.ArgumentParser) -> None:
    """Those that every bench of two checkouts has."""
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--other", type=Path, help="another checkout, with its .venv")


def sides(other: Path | None) -> dict[str, Path]:
    """This checkout, and the other one where there is one, by name."""
    return {"here": ROOT, **({"there": other.resolve()} if other else {})}


def took(command: Sequence[str], place: Path, folder: Path, **more: str) -> Took:
    """Run a command by the code of a checkout, in a folder. Raises RuntimeError with its last words when it fails.

    Nothing of the environment says where polyglot keeps things but `more`; modules are compiled once, as a user's are.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POLYGLOT_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    environment: Mapping[str, str] = {**kept, "PYTHONPATH": str(place), **more}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)[:200]}: {done.stderr[-3000:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(output=done.stdout, errors=done.stderr, clock=clock, processors=used)
