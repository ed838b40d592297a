"""What the processes of a bench say at their end: one JSON document as the last line of what they print."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tests.kit.ports import free_port


def said_by(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    """Run a bench's child and return what it says. Raises RuntimeError with its last words when it fails."""
    return _heard(_started(module, arguments, environment or {}), module)


def said_by_ranks(ranks: int, module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> list[Any]:
    """The same of a child a rank, all at once with one thread each; the last argument of each is its rank."""
    shared = {
        **(environment or {}),
        "OMP_NUM_THREADS": "1",
        "POLYGLOT_RANKS": str(ranks),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
    }
    children = [
        _started(module, (*arguments, str(rank)), {**shared, "POLYGLOT_RANK": str(rank)}) for rank in range(ranks)
    ]
    return [_heard(child, f"{module}, rank {rank}") for rank, child in enumerate(children)]


def _started(module: str, arguments: Sequence[str], more: Mapping[str, str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, env={**os.environ, **more}, stdout=subprocess.PIPE, text=True)


def _heard(child: "subprocess.Popen[str]", name: str) -> Any:
    output, _ = child.communicate()
    if child.returncode:
        raise RuntimeError(f"{name} ended with {child.returncode}")
    return json.loads(output.strip().rpartition("\n")[2])
