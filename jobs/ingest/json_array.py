"""Reading one large JSON array element by element, in bounded memory.

A `.json` file that begins with "[" is an array of records; any other is read as JSON Lines, since many published sets
call those `.json`. An array that breaks off or is malformed between its elements is a `Permanent` with the line: what
follows cannot be told apart any more.
"""

import codecs
import json
from collections.abc import Iterator

from jobs.ingest.json_lines import json_lines, why_not_json
from jobs.ingest.streams import MAX_RECORD_BYTES, Record, Stream
from polyglot.core.errors import Permanent
from polyglot.core.json_lines import parse

CHUNK = 2**20
_AFTER_NUMBER = 64


class _Text:
    """The decoded text of a stream from a moving position on, with the line number of that position."""

    def __init__(self, stream: Stream, first: bytes) -> None:
        self.name, self.line = stream.name, 1
        self._stream, self._decoder = stream, codecs.getincrementaldecoder("utf-8")()
        self.ended = False
        self.buffer, self.at = "", 0
        self._take(first)

    def _take(self, data: bytes) -> None:
        try:
            self.buffer = self.buffer[self.at :] + self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise Permanent(f"{self.name}: not UTF-8 after line {self.line}: {error.reason}") from error
        self.at, self.ended = 0, not data

    def more(self) -> bool:
        """Read on; False at the end."""
        if not self.ended:
            self._take(self._stream.read(CHUNK))
        return not self.ended

    def move(self, to: int) -> None:
        """Advance to a position of the buffer."""
        self.line += self.buffer.count("\n", self.at, to)
        self.at = to

    def peek(self) -> str:
        """Skip white space and return the next character, "" at the end."""
        while True:
            end = self.at
            while end < len(self.buffer) and self.buffer[end] in " \t\r\n":
                end += 1
            self.move(end)
            if end < len(self.buffer):
                return self.buffer[end]
            if not self.more():
                return ""


def json_records(stream: Stream) -> Iterator[Record]:
    """Yield the elements of an array, `line` being the line on which each begins."""
    first = b""
    while not first.strip() and (data := stream.read(min(CHUNK, 4096))):
        first += data
    if not first.lstrip().startswith(b"["):
        stream.push_back(first)
        yield from json_lines(stream)
        return
    text = _Text(stream, first)
    text.peek()
    text.move(text.at + 1)
    if text.peek() == "]":
        text.move(text.at + 1)
    else:
        yield from _elements(text)
    if text.peek():
        raise Permanent(f"{text.name}: line {text.line}: text after the end of the array")


def _elements(text: _Text) -> Iterator[Record]:
    while text.peek():
        line, end = text.line, _end(text)
        source = text.buffer[text.at : end]
        text.move(end)
        try:
            yield Record(line, parse(source))
        except (ValueError, RecursionError) as error:
            yield Record(line, reason=why_not_json(error))
        mark = text.peek()
        if mark not in (",", "]"):
            break
        text.move(text.at + 1)
        if mark == "]":
            return
    raise Permanent(f'{text.name}: line {text.line}: the array breaks off or is malformed; expected "," or "]"')


_SCANNER = json.JSONDecoder()


def _end(text: _Text) -> int:
    """Return where the element at the current position ends; reads on until it is complete.

    The buffer doubles between attempts, so that an element's total cost stays linear in its length.
    """
    while True:
        try:
            value, end = _SCANNER.raw_decode(text.buffer, text.at)
            # a number may go on in the next chunk: "1" of "1.5e-7"
            whole = not isinstance(value, int | float) or len(text.buffer) - end >= _AFTER_NUMBER
            if whole or text.ended:
                return end
            text.more()
        except RecursionError:
            raise Permanent(f"{text.name}: line {text.line}: nested too deeply to be a record") from None
        except json.JSONDecodeError as error:
            size = len(text.buffer) - text.at
            if size > MAX_RECORD_BYTES:
                raise Permanent(f"{text.name}: line {text.line}: an element of over {size} characters") from error
            grown = False
            while len(text.buffer) - text.at < 2 * size and text.more():
                grown = True
            if not grown:
                where = text.line + text.buffer.count("\n", text.at, error.pos)
                raise Permanent(f"{text.name}: line {where}: not JSON: {error.msg}") from error
        except ValueError as error:  # a number of thousands of digits
            raise Permanent(f"{text.name}: line {text.line}: not JSON: {error}") from error
