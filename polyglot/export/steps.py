"""What was recorded while models were trained: one table of the steps of their results, and TensorBoard's files.

Of a training that was interrupted the table has each step once, of the start whose step is in the result, and says
which that was. One that still runs has the steps that would be kept if it ended now.
"""

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from polyglot.attempts.history import History
from polyglot.attempts.ledger import ledger
from polyglot.core.errors import BadInput, Corrupt
from polyglot.export.files import scratch_beside
from polyglot.export.selection import Wanted
from polyglot.export.tables import CELL_COLUMNS, Row, cells_of, head_of, is_table, schema_of, taken
from polyglot.kinds.steps import STEP_COLUMNS
from polyglot.plan.plan import Plan
from polyglot.store.committed import committed
from polyglot.store.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

StepsForm = Literal["parquet", "csv", "json"]
_COLUMNS = {**CELL_COLUMNS, "attempt": "int64", "start": "int64", **STEP_COLUMNS}
_SUFFIX = {"parquet": ".parquet", "csv": ".csv", "json": ".jsonl"}
_EVENTS = "events.out.tfevents.{attempt:04d}{start:06d}.polyglot"  # TensorBoard reads them in the order of their names


def write_steps(store: Store, plan: Plan, wanted: Sequence[Wanted], folder: Path, form: StepsForm) -> tuple[Path, int]:
    """Write the steps of some trainings into `steps.parquet`, `.csv` or `.jsonl`, and return the path and the rows.

    Whole or not at all, in the place of a table that was written so before. Nothing is written where there is no step.
    Raises BadInput without pyarrow and for a place that has something else, Corrupt for a record that is damaged.
    """
    try:
        schema = schema_of(_COLUMNS)
    except ImportError as error:
        remedy = "Install polyglot-lab[worker]"
        raise BadInput("steps are read with pyarrow, which is not installed", where="steps", remedy=remedy) from error
    path = folder / f"steps{_SUFFIX[form]}"
    if os.path.lexists(path) and not (is_table(path, schema) if form == "parquet" else _is_text(path, form)):
        raise taken(path)
    cells = cells_of(plan)
    with scratch_beside(path) as scratch:
        part, count = Path(scratch) / path.name, 0
        with _Writer(part, form, schema) as writer:
            for one in wanted:
                for rows in merged(store, one):
                    count += len(rows)
                    writer.write([{**head_of(one.name, cells), **row} for row in rows])
        if count:
            part.replace(path)
    return path, count


def merged(store: Store, wanted: Wanted) -> Iterator[list[Row]]:
    """The steps of a training's result in order, some at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stage = wanted.planned.stage
    history = History(store, stage)
    for entry in ledger(history, committed=committed(store, stage.kind, stage.key) is not None):
        of = {"attempt": entry.session.attempt, "start": entry.session.start}
        for group, left in entry.groups:
            if group.first > entry.kept:
                continue
            try:
                rows = pq.read_table(io.BytesIO(history.read(left)), page_checksum_verification=True).to_pylist()
            except (OSError, pa.ArrowException) as error:
                raise Corrupt(f"{store.url}: {left.path}: {error}") from error
            yield [{**of, **row} for row in rows if row["step"] <= entry.kept]


def write_events(store: Store, wanted: Wanted, target: Path) -> int:
    """Write a training's event files into a folder, one a start, and return how many: what TensorBoard opens.

    Files of these names are written anew, as they grow while a training goes on. Raises BadInput for a place that
    cannot be written.
    """
    files: dict[str, list[bytes]] = {}
    history = History(store, wanted.planned.stage)
    for left in history.left("tensorboard"):
        name = _EVENTS.format(attempt=left.attempt, start=left.start)
        files.setdefault(name, []).append(history.read(left))
    try:
        for name, chunks in files.items():
            target.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(b"".join(chunks))
    except OSError as error:
        raise BadInput("nothing can be written there", where=str(target), got=error.strerror or "") from error
    return len(files)


class _Writer:
    """A table that grows by rows."""

    def __init__(self, path: Path, form: StepsForm, schema: "pa.Schema") -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._arrow, self._schema, self._form = pa, schema, form
        self._parquet = pq.ParquetWriter(path, schema, compression="zstd") if form == "parquet" else None
        self._text = None if self._parquet else path.open("w", encoding="utf-8", newline="")
        if self._text and form == "csv":
            csv.writer(self._text).writerow(_COLUMNS)

    def write(self, rows: Sequence[Row]) -> None:
        """Append some."""
        if self._parquet:
            self._parquet.write_table(self._arrow.Table.from_pylist(rows, schema=self._schema))
        elif self._text and self._form == "csv":
            csv.DictWriter(self._text, list(_COLUMNS)).writerows(rows)
        elif self._text:
            self._text.writelines(
                json.dumps({name: row[name] for name in _COLUMNS}, ensure_ascii=False) + "\n" for row in rows
            )

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *raised: object) -> None:
        (self._parquet or self._text).close()  # type: ignore[union-attr]


def _is_text(path: Path, form: StepsForm) -> bool:
    """Whether a file begins as such a table does."""
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline()
    begins = ",".join(_COLUMNS) if form == "csv" else f'{{"{next(iter(_COLUMNS))}": '
    return first.startswith(begins)
