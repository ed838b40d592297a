"""How much mixes share: ids and rows of every pair of them, from their index lists."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

_COLUMNS = 1 << 16  # rows of the data set that are multiplied at once: memory is mixes x columns


def overlap(indexes: Sequence[Path]) -> dict[str, list[list[int]]]:
    """Return {"ids": M, "rows": M} for index.jsonl files: M[i][j] is what mixes i and j share, M[i][i] what i has.

    Repeats count once. Equal ids are one id: the mixes must be of one data set.
    """
    ids: dict[str, int] = {}
    rows: dict[tuple[str, str], int] = {}
    held: dict[str, list[Any]] = {"ids": [], "rows": []}
    for path in indexes:
        mine: dict[str, set[int]] = {"ids": set(), "rows": set()}
        with path.open("rb") as lines:
            for entry in map(json.loads, lines):
                mine["ids"].add(ids.setdefault(entry["id"], len(ids)))
                mine["rows"].add(rows.setdefault((entry["id"], entry["language"]), len(rows)))
        for name, some in mine.items():
            held[name].append(numpy.fromiter(some, dtype=numpy.int64, count=len(some)))
    return {"ids": _shared(held["ids"], len(ids)), "rows": _shared(held["rows"], len(rows))}


def _shared(held: Sequence[Any], width: int) -> list[list[int]]:
    """One matrix product over membership, in parts; float32 counts exactly up to 2^24, so sums are in integers."""
    total = numpy.zeros((len(held), len(held)), dtype=numpy.int64)
    for start in range(0, width, _COLUMNS):
        part = numpy.zeros((len(held), min(_COLUMNS, width - start)), dtype=numpy.float32)
        for at, numbers in enumerate(held):
            part[at, numbers[(numbers >= start) & (numbers < start + _COLUMNS)] - start] = 1
        total += (part @ part.T).astype(numpy.int64)
    counts: list[list[int]] = total.tolist()
    return counts
