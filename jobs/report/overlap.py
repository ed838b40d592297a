"""How much mixes share: ids and rows of every pair of them, from their index lists."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from polyglot.kinds.mix import IndexRow

Matrix = tuple[tuple[int, ...], ...]
_COLUMNS = 1 << 16  # rows of the data set that are multiplied at once: memory is mixes x columns


def shared(indexes: Iterable[Iterable[IndexRow]]) -> tuple[Matrix, Matrix]:
    """Return the shared ids and the shared rows: M[i][j] is what mixes i and j share, M[i][i] what i has.

    Repeats count once. Equal ids are one id: the mixes must be of one data set.
    """
    ids: dict[str, int] = {}
    rows: dict[tuple[str, str], int] = {}
    ids_of, rows_of = [], []
    for index in indexes:
        mine: tuple[set[int], set[int]] = set(), set()
        for entry in index:
            mine[0].add(ids.setdefault(entry.id, len(ids)))
            mine[1].add(rows.setdefault((entry.id, entry.language), len(rows)))
        ids_of.append(_numbers(mine[0]))
        rows_of.append(_numbers(mine[1]))
    return _products(ids_of, len(ids)), _products(rows_of, len(rows))


def _numbers(members: set[int]) -> npt.NDArray[np.int64]:
    return np.fromiter(members, dtype=np.int64, count=len(members))


def _products(held: Sequence[npt.NDArray[np.int64]], width: int) -> Matrix:
    """One matrix product over membership, in parts; float32 counts exactly up to 2^24, so sums are in integers."""
    total = np.zeros((len(held), len(held)), dtype=np.int64)
    for start in range(0, width, _COLUMNS):
        part = np.zeros((len(held), min(_COLUMNS, width - start)), dtype=np.float32)
        for at, numbers in enumerate(held):
            part[at, numbers[(numbers >= start) & (numbers < start + _COLUMNS)] - start] = 1
        total += (part @ part.T).astype(np.int64)
    return tuple(tuple(row) for row in total.tolist())
