"""The token sets of a mixture: memory-mapped, so that a data set larger than memory trains as well as a small one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from polyglot.core.errors import Permanent

Ids = np.ndarray[tuple[int], np.dtype[np.int32]]
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
Counts = np.ndarray[tuple[int], np.dtype[np.int64]]


class Samples(Protocol):
    """Samples by number: those of a mixture, or the rows of one token set."""

    lengths: Counts
    supervised: Counts  # tokens of each that are learnt

    def __len__(self) -> int: ...

    def sample(self, number: int) -> tuple[Ids, Mask]:
        """Token ids and loss mask of one."""
        ...


class TokenSet:
    """One `tokens.arrow`. Rows are read where they lie; only lengths and counts are held in memory."""

    def __init__(self, path: Path) -> None:
        """Map the file. Raises Permanent when it is no token set."""
        try:
            reader = pa.ipc.open_file(pa.memory_map(str(path)))
            batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
            columns = [(batch.column("input_ids"), batch.column("loss")) for batch in batches]
        except (pa.ArrowInvalid, KeyError) as error:
            raise Permanent(f"{path.name}: not a token set: {error}") from error
        self._ids: list[Ids] = [ids.values.to_numpy(zero_copy_only=True) for ids, _ in columns]
        self._loss = [loss.values for _, loss in columns]  # bits, unpacked row by row
        self._offsets: list[Counts] = [np.asarray(ids.offsets, dtype=np.int64) for ids, _ in columns]
        self._starts = np.cumsum([0, *(len(batch) for batch in batches)])
        for (ids, loss), batch in zip(columns, batches, strict=True):
            if ids.null_count or loss.null_count or not ids.offsets.equals(loss.offsets):
                raise Permanent(f"{path.name}: ids and loss mask differ in length in a batch of {len(batch)} rows")
        self.lengths: Counts = _joined([np.diff(offsets) for offsets in self._offsets])
        self.supervised: Counts = _joined(
            [_supervised(loss.values, offsets) for (_, loss), offsets in zip(columns, self._offsets, strict=True)]
        )

    def __len__(self) -> int:
        return int(self._starts[-1])

    def sample(self, number: int) -> tuple[Ids, Mask]:
        """Token ids (a view of the file) and loss mask of one row."""
        batch = int(np.searchsorted(self._starts, number, side="right")) - 1
        offsets = self._offsets[batch]
        index = number - int(self._starts[batch])
        start, end = int(offsets[index]), int(offsets[index + 1])
        loss = self._loss[batch].slice(start, end - start).to_numpy(zero_copy_only=False)
        return self._ids[batch][start:end], loss

    def largest_id(self) -> int:
        """The largest token id; -1 without any token."""
        return max((int(ids.max()) for ids in self._ids if len(ids)), default=-1)


class Mixture:
    """The samples of one training run: an index over the token sets of several languages."""

    def __init__(self, sets: Mapping[str, TokenSet], index: Sequence[tuple[str, int]]) -> None:
        """`index` holds (language, row). Raises Permanent when it is empty or points beside the sets."""
        if not index:
            raise Permanent("mix: the mixture is empty")
        self.languages = tuple(sorted({language for language, _ in index}))
        absent = [language for language in self.languages if language not in sets]
        if absent:
            raise Permanent(f"mix: no tokens of {', '.join(absent)}; got tokens of {', '.join(sorted(sets)) or 'none'}")
        self._sets = [sets[language] for language in self.languages]
        number = {language: at for at, language in enumerate(self.languages)}
        self.language = np.array([number[language] for language, _ in index], dtype=np.int32)
        self._row = np.array([row for _, row in index], dtype=np.int64)
        self.lengths, self.supervised = np.zeros(len(index), np.int64), np.zeros(len(index), np.int64)
        for at, tokens in enumerate(self._sets):
            mine = self.language == at
            rows = self._row[mine]
            if rows.min() < 0 or rows.max() >= len(tokens):
                raise Permanent(
                    f"mix: row {rows.max()} of {self.languages[at]}, whose token set has {len(tokens)} rows"
                )
            self.lengths[mine], self.supervised[mine] = tokens.lengths[rows], tokens.supervised[rows]

    def __len__(self) -> int:
        return len(self.language)

    def sample(self, number: int) -> tuple[Ids, Mask]:
        """Token ids and loss mask of one sample."""
        tokens: TokenSet = self._sets[self.language[number]]
        return tokens.sample(int(self._row[number]))

    def largest_id(self) -> int:
        """The largest token id of all sets."""
        return max(tokens.largest_id() for tokens in self._sets)


def _supervised(loss: pa.BooleanArray, offsets: Counts) -> Counts:
    """Supervised tokens per row that a model can be asked for: a row's first token has nothing before it."""
    flags = loss.to_numpy(zero_copy_only=False)
    before = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
    starts, ends = offsets[:-1], offsets[1:]
    first = np.minimum(starts + 1, ends)
    return np.asarray(before[ends] - before[first], dtype=np.int64)


def _joined(parts: list[Counts]) -> Counts:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
