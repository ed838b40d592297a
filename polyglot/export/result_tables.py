"""The tables of a study's findings in forms that other programs read: Parquet, CSV, JSON.

arms        a row an arm and language, or group of languages: the mean, its limits, each seed
cells       a row a trained model and language, category or turn
contrasts   a row a contrast
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec.inspect

from polyglot.core.canonical import Json
from polyglot.core.csv_file import write_csv
from polyglot.core.errors import BadInput
from polyglot.core.records import Record
from polyglot.export.tables import schema_of
from polyglot.kinds.aggregate import ArmScore, CellScore, ContrastResult
from polyglot.kinds.cells import Cell
from polyglot.kinds.report import Report

Row = dict[str, Json]
_TYPES: Mapping[type, str] = {
    msgspec.inspect.IntType: "int64",
    msgspec.inspect.FloatType: "float64",
    msgspec.inspect.BoolType: "bool_",
}
_OF_A_CELL = ("model", "dataset", "mix", "size", "seed", "draw")


def tables_of(report: Report) -> Mapping[str, list[Row]]:
    """Each table by its name."""
    cells = {cell.cell: cell for cell in report.roster}
    return {
        "arms": [_plain(row, ArmScore) for row in report.arms],
        "cells": [_of_cell(cells[row.cell]) | _plain(row, CellScore) for row in report.cells],
        "contrasts": [_contrast(row) for row in report.contrasts],
    }


def _plain(row: Record, kind: type[Record]) -> Row:
    """A record's fields, each of them there; several values are a list."""
    found = msgspec.to_builtins(row)
    values = {field.encode_name: found.get(field.encode_name) for field in msgspec.structs.fields(kind)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _of_cell(cell: Cell) -> Row:
    return {name: getattr(cell, name) for name in _OF_A_CELL}


def _contrast(row: ContrastResult) -> Row:
    """A contrast with its arms by their names; pairs of one arm are the report's."""
    found = _plain(row, ContrastResult)
    del found["aa"]
    arms = {side: [row.named(key) for key in getattr(row, side)] for side in ("treatment", "control")}
    return found | arms


def columns_of(kind: type[Record]) -> dict[str, str]:
    """The columns of a record's fields, by name and type; see `tables.schema_of`."""
    fields = msgspec.structs.fields(kind)
    return {field.encode_name: _column(msgspec.inspect.type_info(field.type)) for field in fields}


def _column(kind: msgspec.inspect.Type) -> str:
    """A number or truth value by its own type, anything else as text; of several values a list; None is any's."""
    match kind:
        case msgspec.inspect.UnionType(types=types):
            return next(_column(one) for one in types if not isinstance(one, msgspec.inspect.NoneType))
        case msgspec.inspect.VarTupleType(item_type=item):
            return f"{_column(item)}[]"
        case _:
            return _TYPES.get(type(kind), "string")


def write_parquet(name: str, rows: Sequence[Row], folder: Path) -> Path:
    """Write one table. Raises BadInput without pyarrow."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        remedy = "Install polyglot-lab[worker]"
        raise BadInput("Parquet needs pyarrow, which is not installed", where="--as", remedy=remedy) from error
    path = folder / f"{name}.parquet"
    table = pa.Table.from_pylist(list(rows), schema=schema_of(_COLUMNS[name]()))
    pq.write_table(table, path, compression="zstd")
    return path


def _of_contrasts() -> dict[str, str]:
    """A contrast's arms are there by their names."""
    found = columns_of(ContrastResult)
    del found["aa"]
    return found | {"treatment": "string[]", "control": "string[]"}


_COLUMNS: Mapping[str, Callable[[], dict[str, str]]] = {
    "arms": lambda: columns_of(ArmScore),
    "cells": lambda: {name: columns_of(Cell)[name] for name in _OF_A_CELL} | columns_of(CellScore),
    "contrasts": _of_contrasts,
}


def _write_csv(name: str, rows: Sequence[Row], folder: Path) -> Path:
    path = folder / f"{name}.csv"
    write_csv(path, rows)
    return path


def write_json(name: str, rows: Sequence[Row], folder: Path) -> Path:
    """Write one table as a list of objects."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(list(rows), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


WRITERS: Mapping[str, Callable[[str, Sequence[Row], Path], Path]] = {
    "parquet": write_parquet,
    "csv": _write_csv,
    "json": write_json,
}
