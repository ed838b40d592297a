"""Reading data files record by record: JSON Lines, JSON, CSV and Parquet, plain or in gzip or Zstandard.

The file's name tells format and compression. Memory is bounded by `MAX_RECORD_BYTES`, whatever the file holds. What is
wrong with one record is said in that record (`reason`), with its line; what is wrong with the file as a whole (cut
compression, UTF-16, a decompression bomb, JSON that breaks off) is a `Permanent` that names the file.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from jobs.ingest.json_array import json_records
from jobs.ingest.json_lines import json_lines
from jobs.ingest.streams import Record, Stream, open_bytes
from jobs.ingest.tables import csv_records, parquet_records
from polyglot.core.errors import Permanent

FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".parquet": "parquet"}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_TEXT_READERS = {"jsonl": json_lines, "json": json_records, "csv": csv_records}


def format_of(name: str) -> tuple[str, str | None]:
    """Return (format, compression) of a file name. Raises Permanent for a name that tells none."""
    path = PurePosixPath(name.lower())
    compression = COMPRESSIONS.get(path.suffix)
    kind = FORMATS.get(PurePosixPath(path.stem).suffix if compression else path.suffix)
    if kind is None or (kind == "parquet" and compression):
        known = " ".join(FORMATS)
        raise Permanent(f"{name}: format unknown by its name; expected {known}, all but .parquet also with .gz or .zst")
    return kind, compression


def read_records(path: Path, name: str) -> Iterator[Record]:
    """Yield every record of the file at `path`, whose published name is `name`, in order."""
    kind, compression = format_of(name)
    if kind == "parquet":
        yield from parquet_records(path, name)
        return
    try:
        with open_bytes(path, compression) as raw:
            stream = Stream(raw, name, path.stat().st_size if compression else None)
            if stream.byte_order_mark:
                yield Record(1, note="byte-order-mark")
            yield from _TEXT_READERS[kind](stream)
    except (zlib.error, EOFError, OSError) as error:
        if compression is None:
            raise
        raise Permanent(f"{name}: not readable as {compression}: {error}") from error
