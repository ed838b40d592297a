"""Records: what one stage writes and another reads, as frozen classes; JSON is what lies between.

The class of a record stands in the file of the kind that writes it. Bytes depend on content alone: keys are sorted, and
a field that is `UNSET` is left out. A field that a class does not know is ignored when it is read, so that files of a
later version stay readable; a missing field or another type is `Corrupt`.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform

import msgspec
from msgspec import UNSET, UnsetType
from pydantic_core import core_schema

from polyglot.core.canonical import canonical
from polyglot.core.errors import Corrupt

__all__ = ["UNSET", "Record", "UnsetType", "line", "read", "read_lines", "to_json", "write_lines"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all records. One may be a field of a pydantic class too, as the cells of a study are of parameters."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: msgspec.convert(value, cls),
            serialization=core_schema.plain_serializer_function_ser_schema(msgspec.to_builtins),
        )


_DECODERS: dict[object, msgspec.json.Decoder[Any]] = {}
_AT_ONCE = 2**18  # bytes of rows that are decoded at once
_LINES = msgspec.json.Encoder(order="sorted")


def to_json(record: Record) -> bytes:
    """The RFC 8785 form of a document such as a card."""
    return canonical(msgspec.to_builtins(record))


def line(record: Record) -> bytes:
    r"""One row of JSON Lines, `\n` included: keys sorted, no white space, no escapes but those that JSON needs."""
    return _LINES.encode(record) + b"\n"


def write_lines(path: Path, records: Iterable[Record]) -> int:
    """Write a file of rows and return how many they are."""
    count = 0
    with path.open("wb") as file:
        for record in records:
            file.write(line(record))
            count += 1
    return count


def read(path: Path, kind: type[T]) -> T:
    """Read a file that is one document. Raises Corrupt, naming the file, when it is not of this class."""
    return _decode(path.read_bytes(), kind, path.name)


def read_lines(path: Path, kind: type[T]) -> Iterator[T]:
    """Yield the rows of a file. Raises Corrupt, naming file and line, for one that is not of this class."""
    decoder, number = _decoder(kind), 1
    with path.open("rb") as file:
        while lines := file.readlines(_AT_ONCE):
            yield from _rows(decoder, lines, kind, path.name, number)
            number += len(lines)


def _rows(decoder: "msgspec.json.Decoder[T]", lines: list[bytes], kind: type[T], name: str, first: int) -> Iterable[T]:
    """The rows of some lines, at once where each line is one row: an object that ends where it does."""
    found: list[T] = []
    if all(line.startswith(b"{") and line.rstrip().endswith(b"}") for line in lines):
        with suppress(msgspec.DecodeError):
            found = decoder.decode_lines(b"".join(lines))
    return found if len(found) == len(lines) else _row_by_row(decoder, lines, kind, name, first)


def _row_by_row(
    decoder: "msgspec.json.Decoder[T]", lines: Iterable[bytes], kind: type[T], name: str, first: int
) -> Iterator[T]:
    for number, row in enumerate(lines, first):
        try:
            yield decoder.decode(row)
        except msgspec.DecodeError as error:
            raise _corrupt(error, kind, f"{name}:{number}") from error


def _decode(data: bytes, kind: type[T], where: str) -> T:
    try:
        return _decoder(kind).decode(data)
    except msgspec.DecodeError as error:
        raise _corrupt(error, kind, where) from error


def _decoder(kind: type[T]) -> "msgspec.json.Decoder[T]":
    decoder: msgspec.json.Decoder[T] | None = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind)
    return decoder


def _corrupt(error: msgspec.DecodeError, kind: type[T], where: str) -> Corrupt:
    """A DecodeError or ValidationError as users read it."""
    return Corrupt(f"{where}: {error}; expected a {getattr(kind, '__name__', kind)}")
