"""What a mix needs to know about one language's tokens.arrow: which id lies in which row, and how long it is."""

from dataclasses import dataclass
from pathlib import Path

from jobs.lib.data.forms import id_key
from polyglot.core.errors import Permanent


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """One language's token rows. `tokens` and `loss_tokens` are per row; `rows` maps an id (NFC) to its row number."""

    language: str
    rows: dict[str, int]
    tokens: list[int]
    loss_tokens: list[int]


def read_token_set(path: Path, language: str) -> TokenSet:
    """Read ids and lengths of an Arrow IPC file; the token ids themselves stay memory-mapped and untouched.

    Raises Permanent for an id that occurs twice, and for a row whose loss mask has another length than its tokens.
    """
    import numpy
    import pyarrow
    from pyarrow import compute

    rows: dict[str, int] = {}
    tokens: list[int] = []
    loss: list[int] = []
    with pyarrow.memory_map(str(path)) as source, pyarrow.ipc.open_file(source) as reader:
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            for identifier in batch.column("id").to_pylist():
                name = id_key(identifier)
                if name in rows:
                    raise Permanent(f"tokens of {language}: id {identifier!r} occurs twice")
                rows[name] = len(rows)
            lengths = compute.list_value_length(batch.column("input_ids")).to_numpy(zero_copy_only=False)
            mask = batch.column("loss")
            if not numpy.array_equal(lengths, compute.list_value_length(mask).to_numpy(zero_copy_only=False)):
                raise Permanent(f"tokens of {language}: loss mask and tokens differ in length in batch {number}")
            running = numpy.concatenate(([0], numpy.cumsum(mask.flatten().to_numpy(zero_copy_only=False))))
            ends = numpy.cumsum(lengths)
            tokens += lengths.tolist()
            loss += (running[ends] - running[ends - lengths]).tolist()
    return TokenSet(language=language, rows=rows, tokens=tokens, loss_tokens=loss)
