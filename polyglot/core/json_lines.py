"""The JSON of users' files: one reader, so that what one stage takes no later stage refuses.

A byte order mark is no part of a file; a key named twice, NaN and Infinity are no JSON.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from polyglot.core.errors import Permanent

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FOREIGN_MARKS = ((b"\xff\xfe", "UTF-16 or UTF-32"), (b"\xfe\xff", "UTF-16"), (b"\x00\x00\xfe\xff", "UTF-32"))


class Duplicated(ValueError):
    """A JSON object names a key twice."""


def refuse_foreign(head: bytes, name: str) -> None:
    """Raise Permanent for a file whose first bytes (four are enough) announce an encoding other than UTF-8."""
    for mark, encoding in _FOREIGN_MARKS:
        if head.startswith(mark):
            raise Permanent(f"{name}: encoded as {encoding}; expected UTF-8. Convert it: iconv -t UTF-8")


def parse(text: str) -> object:
    """Return the JSON value of a text. Raises ValueError for NaN and Infinity too, Duplicated for repeated keys."""
    return _DECODER.decode(text)


def numbered_lines(path: Path, name: str) -> Iterator[tuple[int, str]]:
    """Yield (number, text) of every line of a small file that is not blank.

    Lines end with a line feed only: texts may hold U+2028. Raises Permanent, naming `name` and the line, for what is
    not UTF-8.
    """
    data = path.read_bytes()
    refuse_foreign(data[:4], name)
    for number, line in enumerate(data.removeprefix(BYTE_ORDER_MARK).split(b"\n"), start=1):
        if line.strip():
            try:
                yield number, line.decode()
            except UnicodeDecodeError as error:
                raise Permanent(f"{name}, line {number}: not UTF-8: {error.reason}") from None


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Duplicated("a key is repeated")
    return result


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)
