"""CSV and Parquet: every row becomes a mapping from column name to value."""

import csv
from collections.abc import Iterator
from pathlib import Path

from jobs.ingest.adapters.fields import text_fault
from jobs.ingest.streams import MAX_RECORD_BYTES, Record, Stream
from polyglot.core.errors import Permanent

_BATCH_ROWS = 128  # a dictionary page makes many long texts of one, so that a small file can be large in memory


def csv_records(stream: Stream) -> Iterator[Record]:
    """Yield the rows below the header line; `line` is the line on which a row ends.

    RFC 4180: comma, double quotes doubled, quoted fields may hold line ends. A row with another number of fields than
    the header is rejected ("wrong-columns"). A quote that is never closed makes the rest one field; when that passes
    the record limit the file is refused, as nothing after it can be told apart.
    """
    csv.field_size_limit(MAX_RECORD_BYTES)
    reader = csv.reader(_lines(stream), strict=True)
    try:
        header = next(reader, None)
        if not header or any(not name.strip() for name in header) or len(set(header)) != len(header):
            raise Permanent(f"{stream.name}: got no header line with distinct column names; expected one")
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "limit" in str(error):
                    raise
                yield Record(reader.line_num, reason="not-csv")
                continue
            if fields:
                yield _row(reader.line_num, header, fields)
    except csv.Error as error:
        raise Permanent(f"{stream.name}: line {reader.line_num}: {error} (a quote that is never closed?)") from error


def _row(line: int, header: list[str], fields: list[str]) -> Record:
    if len(fields) != len(header):
        return Record(line, reason="wrong-columns")
    if any(text_fault(field) == "lone-surrogate" for field in fields):  # how `_lines` marks bytes that are not UTF-8
        return Record(line, reason="not-utf8")
    return Record(line, dict(zip(header, fields, strict=True)))


def _lines(stream: Stream) -> Iterator[str]:
    number = 0
    while (line := stream.line()) != b"":
        number += 1
        if line is None:
            raise csv.Error(f"line {number} is over the field limit")
        yield line.decode(errors="surrogateescape")


def parquet_records(path: Path, name: str) -> Iterator[Record]:
    """Yield the rows of a Parquet file, `line` being the row's number from 1. No two columns may have one name."""
    import pyarrow
    from pyarrow import parquet

    number = 0
    try:
        file = parquet.ParquetFile(path)
        names = file.schema_arrow.names
        if twice := next((column for column in names if names.count(column) > 1), None):
            raise Permanent(f"{name}: column {twice!r} is there twice; expected distinct column names")
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            for value in batch.to_pylist():
                number += 1
                yield Record(number, value)
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:  # ValueError: text that is not UTF-8
        raise Permanent(
            f"{name}: not readable as Parquet after row {number}: {' '.join(str(error).split())}"
        ) from error
