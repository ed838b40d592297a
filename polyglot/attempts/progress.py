"""How far an attempt came: progress reports, and what a start reached in all.

A report is one object, named so that the newest of an attempt is the first of a listing (numbers count down) and that
what was reached is known without reading: `progress/<9999-start>-<99999999-sequence>-<done>.json`.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from polyglot.core.errors import Missing, StoreError
from polyglot.store.manifest import seal, unseal
from polyglot.store.store import Store

_STARTS, _SEQUENCES = 9999, 99_999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`done` of `total` units; `figures` such as loss=2.31 are shown with it, and `remark`: what the job waits for."""

    done: int
    total: int
    unit: str
    figures: Mapping[str, float] = field(default_factory=dict)
    remark: str = ""
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(slots=True, kw_only=True)
class Mark:
    """What one start of an attempt reached."""

    done: int = 0
    step: int = 0
    journalled: bool = False


def put_progress(store: Store, base: str, start: int, last: int | None, progress: Progress) -> int:
    """Put a report below `base` (`…/attempts/<n>/`) and return its sequence number; `last` is that of the previous one.

    NaN and infinite figures are left out, as JSON cannot carry them.
    """
    sequence = _newest_sequence(store, base, start) + 1 if last is None else last + 1
    figures = {name: float(value) for name, value in progress.figures.items() if abs(value) < float("inf")}
    record = {
        "done": progress.done,
        "total": progress.total,
        "unit": progress.unit,
        "figures": figures,
        "time": progress.time.isoformat(),
        **({"remark": progress.remark} if progress.remark else {}),
    }
    name = f"{_STARTS - start:04d}-{_SEQUENCES - sequence:08d}-{progress.done}"
    if not store.create(f"{base}progress/{name}.json", seal(record)):
        raise StoreError(f"{store.url}: {base}progress/{name}.json was written by someone else")
    return sequence


def newest_progress(store: Store, base: str) -> Progress | None:
    """Return the newest report of an attempt, or None. Raises Corrupt for a damaged one."""
    for entry in store.list(f"{base}progress/"):
        with contextlib.suppress(Missing):
            return read_progress(store, entry.path)
    return None


def read_progress(store: Store, path: str) -> Progress:
    """The report at a path."""
    record = unseal(store.read(path), where=f"{store.url}: {path}")
    return Progress(
        done=record["done"],
        total=record["total"],
        unit=record["unit"],
        figures=record["figures"],
        remark=record.get("remark", ""),
        time=datetime.fromisoformat(record["time"]),
    )


def reached(paths: Iterable[str]) -> dict[int, Mark]:
    """Return what each start of an attempt reached, from the paths of its records below the attempt's own."""
    marks: defaultdict[int, Mark] = defaultdict(Mark)
    for path in paths:
        match path.partition("/")[0]:
            case "progress":
                start, _, done = _numbers(path)
                mark = marks[_STARTS - start]
                mark.done = max(mark.done, done)
            case "checkpoints":
                step, start = _numbers(path)
                marks[start].step = max(marks[start].step, step)
            case "journal":
                marks[_numbers(path)[0]].journalled = True
    return marks


def _newest_sequence(store: Store, base: str, start: int) -> int:
    for entry in store.list(f"{base}progress/"):
        found, sequence, _ = _numbers(entry.path)
        if _STARTS - found == start:
            return _SEQUENCES - sequence
    return 0


def _numbers(path: str) -> list[int]:
    """`…/0012-00000003.jsonl` -> [12, 3]."""
    return [int(part) for part in path.rpartition("/")[2].partition(".")[0].split("-")]
