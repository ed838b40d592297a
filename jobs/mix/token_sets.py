"""What a mix needs to know about one language's token set: which id lies in which row, and what each row counts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.lib.rows.by_id import id_key
from polyglot.core.errors import Permanent
from polyglot.core.records import read
from polyglot.kinds.tokenize import TokenCard

COUNTS = ("tokens", "loss_tokens", "characters", "words", "answers")  # the first is the length, the others are columns
SHORT_REASONS = ("over-long", "nothing-supervised")  # other reasons are sentences, and stay in the token set's card


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """One language's token rows.

    `rows` maps an id (NFC) to its row number, `counts` holds an array a name of COUNTS, a value a row: characters,
    words (at white space) and number are those of the answers. `truncated` are the numbers of rows that were cut;
    `dropped` maps ids without a row to why.
    """

    language: str
    rows: dict[str, int]
    counts: dict[str, Any]
    truncated: frozenset[int] = frozenset()
    dropped: dict[str, str]

    @property
    def accepted(self) -> int:
        """Rows that the data set has in this language, those without tokens included."""
        return len(self.rows) + len(self.dropped)


def read_token_set(path: Path, card: Path, language: str) -> TokenSet:
    """Read ids and counts of an Arrow IPC file; token ids and loss masks stay memory-mapped and untouched.

    Raises Permanent for an id that occurs twice, and for a row whose loss mask has another length than its tokens.
    """
    import numpy
    import pyarrow
    from pyarrow import compute

    from jobs.lib.arrays import numbers

    ids: list[str] = []
    parts: dict[str, list[Any]] = {name: [] for name in COUNTS}
    with pyarrow.memory_map(str(path)) as source, pyarrow.ipc.open_file(source) as reader:
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            ids += map(id_key, batch.column("id").to_pylist())
            lengths = numbers(compute.list_value_length(batch.column("input_ids")))
            if not numpy.array_equal(lengths, numbers(compute.list_value_length(batch.column("loss")))):
                raise Permanent(f"tokens of {language}: loss mask and tokens differ in length in batch {number}")
            parts["tokens"].append(lengths)
            for name in COUNTS[1:]:
                parts[name].append(numbers(batch.column(name)))
    rows = {name: number for number, name in enumerate(ids)}
    if len(rows) < len(ids):
        twice = next(name for number, name in enumerate(ids) if rows[name] != number)
        raise Permanent(f"tokens of {language}: id {twice!r} occurs twice")
    counts = {name: numpy.concatenate(some) if some else numpy.zeros(0, numpy.int64) for name, some in parts.items()}
    said = read(card, TokenCard)
    dropped = {id_key(row.id): row.reason for row in said.dropped}
    return TokenSet(
        language=language,
        rows=rows,
        counts=counts,
        truncated=frozenset(rows[name] for row in said.truncated if (name := id_key(row.id)) in rows),
        dropped={name: reason if reason in SHORT_REASONS else "no-tokens" for name, reason in dropped.items()},
    )
