"""JSON Lines: one JSON value a line, each bad line rejected by itself. Blank lines are no records."""

from collections.abc import Iterator

from jobs.ingest.streams import Record, Stream
from polyglot.core.json_lines import Duplicated, parse


def why_not_json(error: Exception) -> str:
    """Name the reason for which `parse` failed."""
    if isinstance(error, Duplicated):
        return "duplicate-key"
    return "too-deep" if isinstance(error, RecursionError) else "not-json"


def json_lines(stream: Stream) -> Iterator[Record]:
    """Yield a record per line that is not blank."""
    number = 0
    while (line := stream.line()) != b"":
        number += 1
        if line is None:
            yield Record(number, reason="too-long")
        elif line.strip():
            yield _json_line(number, line)


def _json_line(number: int, line: bytes) -> Record:
    if b"\0" in line:
        return Record(number, reason="nul")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return Record(number, reason="not-utf8")
    try:
        return Record(number, parse(text))
    except (ValueError, RecursionError) as error:
        return Record(number, reason=why_not_json(error))
