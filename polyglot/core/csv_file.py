"""CSV files whose bytes depend on their content alone."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_AS_IT_IS = frozenset({int, float, bool})  # most values are these


def write_csv(path: Path, rows: Iterable[Mapping[str, object]], first: Sequence[str] = ()) -> None:
    """Write rows under the union of their columns, `first` in front (also when there are no rows).

    Lists are joined by blanks. A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    rows = list(rows)
    columns = list(dict.fromkeys([*first, *(name for row in rows for name in row)]))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            values = map(row.get, columns)
            writer.writerow([value if type(value) in _AS_IT_IS else _field(value) for value in values])


def _field(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return value
    if isinstance(value, list | tuple):
        value = " ".join("" if item is None else str(item) for item in value)
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
