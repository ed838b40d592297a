"""Random access to a written JSON Lines file by id, in memory that grows with the ids and not with the text."""

import unicodedata
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

import msgspec

from polyglot.kinds.rows import Form

T = TypeVar("T", bound=Form)


def id_key(identifier: str) -> str:
    """Return the form in which ids are compared: NFC, so that twins that look alike are one id."""
    return identifier if identifier.isascii() else unicodedata.normalize("NFC", identifier)


class _Named(msgspec.Struct):
    id: str


def count_lines(path: Path) -> int:
    """Return how many rows such a file has, without reading them."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


class ById(Generic[T]):
    """The rows of one language, looked up by id (NFC). Fast when asked in the order of the file."""

    def __init__(self, path: Path, kind: type[T]) -> None:
        self._file = path.open("rb")
        self._decoder = msgspec.json.Decoder(kind)
        self._offsets: dict[str, int] = {}
        ids, offset = msgspec.json.Decoder(_Named), 0
        for line in self._file:
            self._offsets[id_key(ids.decode(line).id)] = offset
            offset += len(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def ids(self) -> list[str]:
        """Return every id (NFC) in the order of the file."""
        return list(self._offsets)

    def get(self, identifier: str) -> T | None:
        """Return the row of an id, or None."""
        offset = self._offsets.get(id_key(identifier))
        if offset is None:
            return None
        self._file.seek(offset)
        return self._decoder.decode(self._file.readline())
