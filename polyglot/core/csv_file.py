"""CSV files whose bytes depend on their content alone."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


def write_csv(path: Path, rows: Iterable[Mapping[str, object]], first: Sequence[str] = ()) -> None:
    """Write rows under the union of their columns, `first` in front (also when there are no rows).

    Lists are joined by blanks. A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    rows = list(rows)
    columns = list(dict.fromkeys([*first, *(name for row in rows for name in row)]))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_field(row.get(name)) for name in columns] for row in rows)


def _field(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, int | float):  # most are numbers
        return value
    if isinstance(value, list | tuple):
        value = " ".join("" if item is None else str(item) for item in value)
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
