"""Random access to a written JSON Lines file by id, in memory that grows with the ids and not with the text."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from jobs.lib.rows.forms import id_key


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSON Lines file that we wrote."""
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)


def count_lines(path: Path) -> int:
    """Return how many rows such a file has, without reading them."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


class ById:
    """The rows of one language, looked up by id (NFC). Fast when asked in the order of the file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._offsets: dict[str, int] = {}
        offset = 0
        for line in self._file:
            self._offsets[id_key(json.loads(line)["id"])] = offset
            offset += len(line)

    def __enter__(self) -> "ById":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def ids(self) -> list[str]:
        """Return every id (NFC) in the order of the file."""
        return list(self._offsets)

    def get(self, identifier: str) -> dict[str, Any] | None:
        """Return the row of an id, or None."""
        offset = self._offsets.get(id_key(identifier))
        if offset is None:
            return None
        self._file.seek(offset)
        row: dict[str, Any] = json.loads(self._file.readline())
        return row
