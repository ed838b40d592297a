"""The tables of a study's findings in forms that other programs read: Parquet, CSV, JSON.

arms        a row an arm and language, or group of languages: the mean, its limits, each seed
cells       a row a trained model and language, category or turn
contrasts   a row a contrast
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from polyglot.core.canonical import Json
from polyglot.core.csv_file import write_csv
from polyglot.core.errors import BadInput
from polyglot.core.records import UNSET, Record
from polyglot.kinds.aggregate import ArmScore, CellScore, ContrastResult
from polyglot.kinds.cells import Cell
from polyglot.kinds.report import Report

Row = dict[str, Json]
_NUMBERS = {int: "int64", float: "float64", bool: "bool_", str: "string"}
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


def write_parquet(name: str, rows: Sequence[Row], folder: Path) -> Path:
    """Write one table. Raises BadInput without pyarrow."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        remedy = "Install polyglot-lab[worker]"
        raise BadInput("Parquet needs pyarrow, which is not installed", where="--as", remedy=remedy) from error
    fields = []
    for column in rows[0] if rows else ():
        values = [row[column] for row in rows]
        items = [item for value in values if isinstance(value, list) for item in value]
        kind = _type([*items] or [value for value in values if not isinstance(value, list)])
        arrow = getattr(pa, kind)()
        fields.append((column, pa.list_(arrow) if any(isinstance(value, list) for value in values) else arrow))
    path = folder / f"{name}.parquet"
    pq.write_table(pa.Table.from_pylist(list(rows), schema=pa.schema(fields)), path, compression="zstd")
    return path


def _type(values: Sequence[object]) -> str:
    """Of a column whose values are of one type, or whole and other numbers; text where there is none."""
    kinds = {type(value) for value in values if value is not None and value is not UNSET}
    if kinds == {int, float}:
        return "float64"
    return _NUMBERS[kinds.pop()] if len(kinds) == 1 and kinds <= _NUMBERS.keys() else "string"


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
