"""Byte streams of data files: byte order marks, other encodings, over-long lines and decompression bombs."""

import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from polyglot.core.errors import Permanent
from polyglot.core.json_lines import BYTE_ORDER_MARK, refuse_foreign

MAX_RECORD_BYTES = 16 * 2**20  # one record; the longest rows of the published sets have some 100 kB
BOMB_BYTES = 2**30  # decompressed bytes that are always allowed
BOMB_RATIO = 100  # and beyond them, this multiple of the compressed size; text shrinks 3- to 20-fold


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file: its value, or the reason why it has none."""

    line: int
    value: object = None
    reason: str | None = None
    note: str | None = None  # no record at all, but something about the file that its card counts


class Stream:
    """A binary stream that strips a byte order mark, refuses other encodings, and stops decompression bombs."""

    def __init__(self, raw: BinaryIO, name: str, compressed_bytes: int | None) -> None:
        self.name = name
        self._raw, self._total = raw, 0
        self._allowed = None if compressed_bytes is None else max(BOMB_BYTES, BOMB_RATIO * compressed_bytes)
        head = self._count(raw.read(4))
        refuse_foreign(head, name)
        self.byte_order_mark = head.startswith(BYTE_ORDER_MARK)
        self._head = head.removeprefix(BYTE_ORDER_MARK)

    def _count(self, data: bytes) -> bytes:
        self._total += len(data)
        if self._allowed is not None and self._total > self._allowed:
            raise Permanent(
                f"{self.name}: expands to more than {self._allowed} bytes; a decompression bomb is not data"
            )
        return data

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; b"" at the end."""
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._count(self._raw.read(size))

    def push_back(self, data: bytes) -> None:
        """Give bytes back that were read; they come again next."""
        self._head = data + self._head

    def line(self) -> bytes | None:
        """Return the next line with its end, b"" at the end of the stream, None for one above MAX_RECORD_BYTES."""
        line = self._part()
        if len(line) <= MAX_RECORD_BYTES or line.endswith(b"\n"):
            return line
        while line and not line.endswith(b"\n"):
            line = self._part()
        return None

    def _part(self) -> bytes:
        if not self._head:
            return self._count(self._raw.readline(MAX_RECORD_BYTES + 1))
        head, self._head = self._head, b""
        if b"\n" in head:
            end = head.index(b"\n") + 1
            self._head = head[end:]
            return head[:end]
        return head + self._count(self._raw.readline(MAX_RECORD_BYTES + 1 - len(head)))


def open_bytes(path: Path, compression: str | None) -> BinaryIO:
    """Open a file under its compression ("gzip", "zstd" or None)."""
    if compression == "gzip":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if compression == "zstd":
        import pyarrow

        return io.BufferedReader(pyarrow.input_stream(str(path), compression="zstd"))
    return path.open("rb")
