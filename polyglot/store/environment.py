"""Proves that this machine can work: Python, packages, processors, memory and disk."""

import importlib.util
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from polyglot.core.devices import usable_cpus

_GIB = 2**30
_CONTROLLER = ("boto3", "jinja2", "psutil", "pydantic", "rfc8785", "rich", "typer")
_WORKER = ("datasets", "numpy", "openai", "pyarrow")
_TRAINER = ("accelerate", "safetensors", "tokenizers", "torch", "transformers")
_MIN_MEMORY_BYTES = 2 * _GIB
_MIN_DISK_BYTES = 5 * _GIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: `detail` is what was seen, `remedy` what to do when it is not ok."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def examine_environment(work: Path | None = None) -> list[Finding]:
    """Look at this machine; `work` is where states and caches lie (the present directory)."""
    return [
        _python(),
        _packages("controller's packages", _CONTROLLER, "`make setup` installs them"),
        _packages("worker's packages", _WORKER, "Install the extra `worker`; without it no stage runs on this machine"),
        _packages("trainer's packages", _TRAINER, "Install the extra `trainer`; without it no model runs here"),
        _processors(),
        _memory(),
        _disk("disk", work or Path.cwd()),
        _disk("temporary files", Path(tempfile.gettempdir()), _GIB),
    ]


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding(name="python", ok=sys.version_info >= (3, 11), detail=found, remedy="Install Python 3.11 or newer")


def _packages(name: str, packages: tuple[str, ...], remedy: str) -> Finding:
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        return Finding(name=name, ok=False, detail=f"missing: {', '.join(missing)}", remedy=remedy)
    return Finding(name=name, ok=True, detail=", ".join(f"{package} {_version(package)}" for package in packages))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(no version)"


def _processors() -> Finding:
    return Finding(name="processors", ok=True, detail=f"{usable_cpus()} usable of {os.cpu_count()}")


def _memory() -> Finding:
    import psutil  # only here: `--help` need not load it

    found = psutil.virtual_memory()
    return Finding(
        name="memory",
        ok=found.available >= _MIN_MEMORY_BYTES,
        detail=f"{found.available / _GIB:.1f} GiB free of {found.total / _GIB:.1f}",
        remedy=f"Free memory: the smallest study needs {_MIN_MEMORY_BYTES // _GIB} GiB",
    )


def _disk(name: str, folder: Path, needed: int = _MIN_DISK_BYTES) -> Finding:
    free = shutil.disk_usage(folder).free
    return Finding(
        name=name,
        ok=free >= needed,
        detail=f"{free / _GIB:.1f} GiB free in {folder}",
        remedy=f"Free {needed // _GIB} GiB, or work elsewhere",
    )
