"""One language's token rows, memory-mapped, so that a data set larger than memory is read as well as a small one."""

from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from jobs.lib.arrays import Array, numbers
from polyglot.core.errors import Permanent

Ids = np.ndarray[tuple[int], np.dtype[np.int32]]
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
Counts = np.ndarray[tuple[int], np.dtype[np.int64]]


class TokenSet:
    """One `tokens.arrow`. Rows are read where they lie; only lengths, and what was asked for, are held in memory."""

    def __init__(self, path: Path, name: str = "") -> None:
        """Map the file, which errors call by `name`. Raises Permanent when it is no token set."""
        name = name or path.name
        try:
            reader = pa.ipc.open_file(pa.memory_map(str(path)))
            self._batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
            columns = [(batch.column("input_ids"), batch.column("loss")) for batch in self._batches]
        except (pa.ArrowInvalid, KeyError) as error:
            raise Permanent(f"{name}: not a token set: {error}") from error
        self._ids: list[Ids] = [ids.values.to_numpy(zero_copy_only=True) for ids, _ in columns]
        self._loss = [loss.values for _, loss in columns]  # bits, unpacked row by row
        self._offsets: list[Counts] = [np.asarray(ids.offsets, dtype=np.int64) for ids, _ in columns]
        self._starts = np.cumsum([0, *(len(batch) for batch in self._batches)])
        for (ids, loss), batch in zip(columns, self._batches, strict=True):
            if ids.null_count or loss.null_count or not ids.offsets.equals(loss.offsets):
                raise Permanent(f"{name}: ids and loss mask differ in length in a batch of {len(batch)} rows")
        self.lengths: Counts = _joined([np.diff(offsets) for offsets in self._offsets])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @cached_property
    def supervised(self) -> Counts:
        """Tokens of each row that a model can be asked for."""
        return _joined(
            [_supervised(loss, offsets) for loss, offsets in zip(self._loss, self._offsets, strict=True)],
        )

    def sample(self, number: int) -> tuple[Ids, Mask]:
        """Token ids (a view of the file) and loss mask of one row."""
        batch = int(np.searchsorted(self._starts, number, side="right")) - 1
        offsets = self._offsets[batch]
        index = number - int(self._starts[batch])
        start, end = int(offsets[index]), int(offsets[index + 1])
        loss = self._loss[batch].slice(start, end - start).to_numpy(zero_copy_only=False)
        return self._ids[batch][start:end], loss

    def names(self) -> list[str]:
        """The id of each row in its data set."""
        return [name for batch in self._batches for name in batch.column("id").to_pylist()]

    def column(self, name: str) -> Counts:
        """A count that stands beside each row."""
        return _joined([numbers(batch.column(name)) for batch in self._batches])

    def largest_id(self) -> int:
        """The largest token id; -1 without any token."""
        return max((int(ids.max()) for ids in self._ids if len(ids)), default=-1)


def _supervised(loss: pa.BooleanArray, offsets: Counts) -> Counts:
    """Supervised tokens per row that a model can be asked for: a row's first token has nothing before it."""
    flags = loss.to_numpy(zero_copy_only=False)
    before = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
    starts, ends = offsets[:-1], offsets[1:]
    first = np.minimum(starts + 1, ends)
    return np.asarray(before[ends] - before[first], dtype=np.int64)


def _joined(parts: list[Array]) -> Counts:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
