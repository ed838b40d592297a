"""What becomes of each encoded row (over-long ones dropped or truncated), and the counts of a token set's card."""

from collections import Counter

import numpy as np
import pyarrow as pa

from jobs.lib.arrays import arrow
from jobs.tokenize.columns import Counts, Rows
from jobs.tokenize.tokens import Tokens
from jobs.tokenize.words import count_words
from polyglot.kinds.tokenize import Cut, Dropped, TokenCard, TokenizeParams

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("input_ids", pa.list_(pa.int32())),
        ("loss", pa.list_(pa.bool_())),
        # supervised tokens as they stand in `loss`, cut or not, so that no mix has to sum the masks anew
        ("loss_tokens", pa.int32()),
        # of the assistant turns, before any cut: with these a mix card needs no text
        ("characters", pa.int32()),
        ("words", pa.int32()),  # split at white space
        ("answers", pa.int16()),
    ]
)


class RowCounts:
    """Decides about each row's length and counts everything that the card says."""

    def __init__(self, params: TokenizeParams, unknown_id: int | None) -> None:
        self.params, self.unknown_id = params, unknown_id
        self.read = self.rows = self.tokens = self.loss_tokens = self.unknown = self.longest = 0
        self.characters = self.words = self.measured = 0  # before any cut: the base of the fertility figures
        self.dropped: list[Dropped] = []
        self.truncated: list[Cut] = []

    def take(self, rows: Rows, tokens: Tokens) -> pa.RecordBatch:
        """Count a chunk's rows, and return what is to be written of them."""
        params, whole = self.params, tokens.lengths
        encoded = np.ones(len(rows), np.bool_)
        encoded[list(tokens.refused)] = False
        words = count_words(rows.contents)
        self.read += len(rows)
        self.measured += int(whole.sum())
        self.characters += int(rows.per_row(rows.characters)[encoded].sum())
        self.words += int(rows.per_row(words)[encoded].sum())
        over = whole > params.max_tokens
        if over.any() and params.over_long == "truncate":
            tokens = tokens.cut(params.max_tokens)
        supervised = tokens.supervised()
        kept = encoded & (supervised > 0)
        if params.over_long == "drop":
            kept &= ~over
        for row in np.flatnonzero(~kept).tolist():
            over_long = params.over_long == "drop" and over[row]
            reason = tokens.refused.get(row) or ("over-long" if over_long else "nothing-supervised")
            self.dropped.append(Dropped(id=rows.ids[row].as_py(), tokens=int(whole[row]), reason=reason))
        if params.over_long == "truncate":
            for row in np.flatnonzero(kept & over).tolist():
                self.truncated.append(Cut(id=rows.ids[row].as_py(), tokens=int(whole[row])))
        tokens = tokens.only(kept)
        self.rows += len(tokens.lengths)
        self.tokens += len(tokens.ids)
        self.loss_tokens += int(supervised[kept].sum())
        self.longest = max(self.longest, int(tokens.lengths.max(initial=0)))
        if self.unknown_id is not None:
            self.unknown += int(np.count_nonzero(tokens.ids == self.unknown_id))
        answered = rows.assistant.astype(np.int64)
        parts = (rows.characters * answered, words * answered, answered)
        sums = [supervised[kept], *(rows.per_row(part)[kept] for part in parts)]
        return _record_batch(rows.ids.filter(arrow(kept, pa.bool_())), tokens, sums)

    def reasons(self) -> str:
        """The reasons of dropped rows, most frequent first."""
        counts = sorted(((count, name) for name, count in Counter(one.reason for one in self.dropped).items()))
        return ", ".join(f"{name} {count}" for count, name in reversed(counts))

    def card(self) -> TokenCard:
        """What card.json says."""
        return TokenCard(
            language=self.params.language,
            part=self.params.part,
            template=self.params.template,
            system=self.params.system,
            max_tokens=self.params.max_tokens,
            rows_read=self.read,
            rows=self.rows,
            tokens=self.tokens,
            loss_tokens=self.loss_tokens,
            longest=self.longest,
            unknown_tokens=self.unknown,
            characters_per_token=round(self.characters / self.measured, 4) if self.measured else 0.0,
            tokens_per_word=round(self.measured / self.words, 4) if self.words else 0.0,
            dropped=tuple(self.dropped),
            truncated=tuple(self.truncated),
        )


def _record_batch(ids: pa.StringArray, tokens: Tokens, sums: list[Counts]) -> pa.RecordBatch:
    """Rows of SCHEMA; `sums` are its last columns."""
    offsets = arrow(np.concatenate([[0], np.cumsum(tokens.lengths)]), pa.int32())
    lists = [
        pa.ListArray.from_arrays(offsets, arrow(values, kind.value_type))
        for values, kind in ((tokens.ids, SCHEMA.types[1]), (tokens.loss, SCHEMA.types[2]))
    ]
    counts = [arrow(values, kind) for values, kind in zip(sums, SCHEMA.types[3:], strict=True)]
    return pa.RecordBatch.from_arrays([ids, *lists, *counts], schema=SCHEMA)
