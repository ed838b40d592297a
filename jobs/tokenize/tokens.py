"""Token ids and loss masks of many rows, end to end in one array each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from jobs.lib.model.template import Encoded, Inexact
from jobs.tokenize.columns import Counts, Flags

Ids = np.ndarray[tuple[int], np.dtype[np.int32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """N tokens of R rows. A row of `slow` has no tokens yet, one of `refused` (row -> reason) will never have any."""

    ids: Ids  # (N,)
    loss: Flags  # (N,)
    lengths: Counts  # (R,)
    slow: Sequence[int] = ()
    refused: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def none(cls, rows: int, *, slow: Sequence[int]) -> "Tokens":
        """No tokens at all."""
        return cls(ids=np.zeros(0, np.int32), loss=np.zeros(0, np.bool_), lengths=np.zeros(rows, np.int64), slow=slow)

    def with_slow(self, encoded: Sequence[Encoded | Inexact]) -> "Tokens":
        """Put in what the slow road made of the rows in `slow`, in that order."""
        lengths, refused = self.lengths.copy(), dict(self.refused)
        ids, loss, borders = [], [], []
        starts = np.cumsum(lengths) - lengths
        for row, result in zip(self.slow, encoded, strict=True):
            if isinstance(result, Inexact):
                refused[row] = str(result)
                continue
            lengths[row] = len(result.input_ids)
            ids += result.input_ids
            loss += result.loss
            borders += [int(starts[row])] * len(result.input_ids)
        return Tokens(
            ids=np.insert(self.ids, borders, np.array(ids, np.int32)),
            loss=np.insert(self.loss, borders, np.array(loss, np.bool_)),
            lengths=lengths,
            refused=refused,
        )

    def supervised(self) -> Counts:
        """Supervised tokens of each row, (R,)."""
        before = np.concatenate([[0], np.cumsum(self.loss, dtype=np.int64)])
        ends = np.cumsum(self.lengths)
        return np.asarray(before[ends] - before[ends - self.lengths])

    def cut(self, most: int) -> "Tokens":
        """The first `most` tokens of each row."""
        starts = np.cumsum(self.lengths) - self.lengths
        place = np.arange(len(self.ids)) - np.repeat(starts, self.lengths)
        kept = place < most
        return Tokens(
            ids=self.ids[kept], loss=self.loss[kept], lengths=np.minimum(self.lengths, most), refused=self.refused
        )

    def only(self, rows: Flags) -> "Tokens":
        """Some of the rows."""
        if rows.all():
            return self
        kept = np.repeat(rows, self.lengths)
        return Tokens(ids=self.ids[kept], loss=self.loss[kept], lengths=self.lengths[rows])
