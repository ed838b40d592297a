"""The rows of a JSON Lines file in columns, chunk by chunk: no Python object a row, and no lock held while parsing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import compute
from pyarrow import json as arrow_json

from jobs.lib.arrays import numbers, strings
from polyglot.core.errors import Permanent

Counts = np.ndarray[tuple[int], np.dtype[np.int64]]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

_TURN = pa.struct([("role", pa.string()), ("content", pa.string())])
_ROLES = strings(["assistant", "user"])
_SCHEMA = pa.schema([("id", pa.string()), ("turns", pa.list_(_TURN))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """R rows with T turns in all; row r has the turns `first[r]` to `first[r + 1]`, exclusive."""

    ids: pa.StringArray  # (R,)
    first: Counts  # (R + 1,)
    contents: pa.StringArray  # (T,)
    characters: Counts  # (T,)
    assistant: Flags  # (T,)
    alternate: Flags  # (R,): a user's turn first, then in turns

    def __len__(self) -> int:
        return len(self.ids)

    def turns(self, row: int) -> list[dict[str, str]]:
        """One row's conversation as objects."""
        span = range(int(self.first[row]), int(self.first[row + 1]))
        roles = ("user", "assistant")
        return [{"role": roles[int(self.assistant[at])], "content": self.contents[at].as_py()} for at in span]

    def per_row(self, per_turn: Counts) -> Counts:
        """Sums over each row's turns."""
        return np.add.reduceat(per_turn, self.first[:-1]) if len(self) else np.zeros(0, np.int64)


def chunks(path: Path, size: int) -> Iterator[bytes]:
    """Yield a file in pieces of about `size` bytes that end where a line ends; a longer line is a piece of its own."""
    held: list[bytes] = []
    with path.open("rb") as file:
        while block := file.read(size):
            end = block.rfind(b"\n") + 1
            if end:
                yield b"".join([*held, block[:end]])
                held = []
            held.append(block[end:])
    if rest := b"".join(held):
        yield rest


def parse(chunk: bytes, name: str) -> Rows:
    """Read the rows of a chunk. Raises Permanent where a line is no row of the normal form."""
    try:
        table = arrow_json.read_json(
            pa.BufferReader(chunk),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(chunk) + 1),
            parse_options=arrow_json.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="ignore"),
        )
        table.validate(full=True)  # UTF-8
    except pa.ArrowInvalid as error:
        raise Permanent(f"{name}: not rows in the normal form: {str(error).splitlines()[0]}") from error
    table = table.combine_chunks()
    ids, turns = (table.column(column).chunk(0) for column in ("id", "turns"))
    first = numbers(turns.offsets).astype(np.int64)
    spoken = turns.values
    roles, contents = spoken.field("role"), spoken.field("content")
    if any(column.null_count for column in (ids, turns, roles, contents)) or (np.diff(first) == 0).any():
        raise Permanent(f"{name}: a row without id or turns, or a turn without role or content")
    assistant, user = (numbers(compute.equal(roles, role)) for role in _ROLES)
    known = assistant | user
    if not known.all():
        raise Permanent(f"{name}: a turn of role {roles[int(np.argmin(known))].as_py()!r}; expected user or assistant")
    place = np.arange(len(contents)) - np.repeat(first[:-1], np.diff(first))
    wrong = np.concatenate([[0], np.cumsum(assistant != (place % 2 == 1))])
    return Rows(
        ids=ids,
        first=first,
        contents=contents,
        characters=numbers(compute.utf8_length(contents)).astype(np.int64),
        assistant=assistant,
        alternate=np.asarray(wrong[first[1:]] == wrong[first[:-1]]),
    )
