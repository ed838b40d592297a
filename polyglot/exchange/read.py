"""Reads a file of the field: JSON Lines or a JSON array, gzipped or not; its form is told by the keys of its first row.

Every fault is told in a line with its place, all of a file at once. What is there twice and what failed is no fault: it
is named beside the rows, which are all kept, as FastChat counts them.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

import msgspec

from polyglot.core.errors import Faults, Permanent
from polyglot.core.json_lines import BYTE_ORDER_MARK, Duplicated, parse, refuse_foreign
from polyglot.core.line import one_line
from polyglot.exchange.rows import Annotation, Exchanged, ModelAnswer, PairJudgment, SingleJudgment, Vote
from polyglot.exchange.two_orders import TwoOrders, TwoTurns

Form = Literal["answers", "single", "pairs", "votes", "annotations"]
R = TypeVar("R", bound=Exchanged)
Raw = type[ModelAnswer | SingleJudgment | PairJudgment | Vote | Annotation | TwoOrders | TwoTurns]
# by what tells it, in this order: the keys of a row
_FORMS: tuple[tuple[frozenset[str], Form, Raw], ...] = (
    (frozenset({"choices", "model_id"}), "answers", ModelAnswer),
    (frozenset({"g1_winner", "g2_winner"}), "pairs", PairJudgment),
    (frozenset({"winner_ab", "winner_ba"}), "pairs", TwoOrders),
    (frozenset({"score_turn1", "score_turn2"}), "single", TwoTurns),
    (frozenset({"score", "turn"}), "single", SingleJudgment),
    (frozenset({"preference", "generator_1"}), "annotations", Annotation),
    (frozenset({"winner", "model_a", "model_b"}), "votes", Vote),
)
_EXPECTED = "model answers, single or pair judgments, votes, or AlpacaEval's annotations"
MOST_TOLD = 50  # faults of one file
MOST_BYTES = 4 * 2**30  # of a file, unpacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered(Generic[R]):
    """A row and where it stands: its line, or its number in an array, from 1."""

    at: int
    row: R


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A row whose identity an earlier one has."""

    at: int
    first: int
    equal: bool  # whether it says the same
    identity: tuple[object, ...]

    def __str__(self) -> str:
        said = "says the same as" if self.equal else "contradicts"
        what = one_line(" ".join(str(part) for part in self.identity), 120)
        return f"{what}: {said} {self.first}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile(Generic[R]):
    """A file's rows in its order, those of them that repeat others, and those that failed."""

    name: str
    form: Form
    unit: str  # "line" or "row", of an array
    rows: tuple[Numbered[R], ...]
    repeats: tuple[Repeat, ...]

    @property
    def failures(self) -> tuple[Numbered[R], ...]:
        """The rows without a result."""
        return tuple(one for one in self.rows if one.row.failure)

    def told(self) -> Iterator[str]:
        """A line for each repeat and each failure."""
        for repeat in self.repeats:
            yield f"{self.name}, {self.unit} {repeat.at}: there twice: {repeat}"
        for one in self.failures:
            what = one_line(" ".join(str(part) for part in one.row.identity), 120)
            yield f"{self.name}, {self.unit} {one.at}: {one.row.failure}: {what}"


def read_file(path: Path, name: str) -> ReadFile[Exchanged]:
    """Read a file of any form. Raises Faults with a line for each fault, Permanent for what is no such file."""
    data = _unpacked(path, name)
    refuse_foreign(data[:4], name)
    data = data.removeprefix(BYTE_ORDER_MARK)
    array = data.lstrip()[:1] == b"["
    unit = "row" if array else "line"
    values = _array(data, name) if array else _lines(data)
    faults: list[str] = []
    rows: list[Numbered[Exchanged]] = []
    form, raw = None, None
    for at, load in values:
        try:
            value = load()
            if raw is None:
                form, raw = _form_of(value)
            for row in _rows(value, raw):
                if row.problem:
                    raise ValueError(row.problem)
                rows.append(Numbered(at=at, row=row))
        except (ValueError, RecursionError) as error:  # of JSON, of a type, of a value
            said = "a key is repeated" if isinstance(error, Duplicated) else str(error)
            said = said if raw is not None or _EXPECTED in said else f"{one_line(said, 80)}; expected {_EXPECTED}"
            faults.append(f"{name}, {unit} {at}: {one_line(said, 200)}")
            if raw is None or len(faults) == MOST_TOLD:
                break
    if faults:
        raise Faults(faults)
    if form is None:
        raise Permanent(f"{name}: empty; expected {_EXPECTED}")
    return ReadFile(name=name, form=form, unit=unit, rows=tuple(rows), repeats=tuple(_repeats(rows)))


def read_as(path: Path, name: str, kind: type[R], form: Form) -> ReadFile[R]:
    """Read a file that has to be of one form. Raises as `read_file`, and Permanent for a file of another."""
    found = read_file(path, name)
    if found.form != form:
        raise Permanent(f"{name}: got {found.form}, expected {form}")
    return found  # type: ignore[return-value]  # the form says which


def _rows(value: object, raw: Raw) -> Iterator[Exchanged]:
    row = msgspec.convert(value, raw)
    if isinstance(row, TwoOrders | TwoTurns):
        yield from row.rows()
    else:
        yield row


def _form_of(value: object) -> tuple[Form, Raw]:
    if not isinstance(value, Mapping):
        raise ValueError("not a JSON object")
    for keys, form, raw in _FORMS:
        if keys <= value.keys():
            return form, raw
    raise ValueError(f"got the keys {', '.join(map(str, value))[:120] or 'none'}; expected {_EXPECTED}")


def _unpacked(path: Path, name: str) -> bytes:
    try:
        with gzip.open(path) if name.endswith(".gz") else path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Permanent(f"{name}: no whole gzip file: {error}") from None
    if len(data) > MOST_BYTES:
        raise Permanent(f"{name}: got more than {MOST_BYTES} bytes unpacked. Split it")
    return bytes(data)


Load = Callable[[], object]


def _lines(data: bytes) -> Iterator[tuple[int, Load]]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            yield number, lambda line=line: parse(line.decode())  # type: ignore[misc]


def _array(data: bytes, name: str) -> Iterator[tuple[int, Load]]:
    try:
        values = parse(data.decode())
    except (ValueError, RecursionError) as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Permanent(f"{name}{where}: no JSON: {one_line(str(error), 200)}") from None
    for number, value in enumerate(values if isinstance(values, list) else [], 1):
        yield number, lambda value=value: value  # type: ignore[misc]


def _repeats(rows: list[Numbered[Exchanged]]) -> Iterator[Repeat]:
    """Rows that repeat others."""
    seen: dict[tuple[object, ...], Numbered[Exchanged]] = {}
    for one in rows:
        first = seen.setdefault(one.row.identity, one)
        if first is not one:
            yield Repeat(at=one.at, first=first.at, equal=first.row.says == one.row.says, identity=one.row.identity)
