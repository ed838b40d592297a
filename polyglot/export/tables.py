"""Answers and verdicts of all cells as one Parquet table each: a row a turn."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from polyglot.core.errors import BadInput
from polyglot.export.files import manifest_of, scratch_beside
from polyglot.export.selection import Wanted
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.answer import Answer
from polyglot.kinds.cells import Cell
from polyglot.kinds.compare import PairVerdict
from polyglot.kinds.judge import Verdict
from polyglot.kinds.reliability import CellPair, ReliabilityParams
from polyglot.plan.plan import Plan, aggregate_of
from polyglot.store.artifact import StoredArtifact
from polyglot.store.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, object]
T = TypeVar("T")
_GROUP_ROWS = 10_000


_SCHEMAS: Mapping[str, Mapping[str, str]] = {
    "answers": {
        "language": "string", "id": "string", "category": "string", "sample": "int32", "turn": "int32",
        "text": "string", "tokens": "int32", "finish": "string", "error": "string",
    },
    "verdicts": {
        "language": "string", "id": "string", "category": "string", "sample": "int32", "turn": "int32",
        "score": "float64", "reason": "string", "prompt": "string", "fallback": "string", "conflicting": "bool_",
        "text": "string", "prompt_tokens": "int32", "completion_tokens": "int32",
    },
    "comparisons": {
        "language": "string", "id": "string", "category": "string",
        "sample": "int32", "turn": "int32", "outcome": "string", "consistent": "bool_", "reason": "string",
        "prompt": "string", "fallback": "string", "order": "int32", "said": "string", "order_reason": "string",
        "conflicting": "bool_", "text": "string", "prompt_tokens": "int32", "completion_tokens": "int32",
    },
}  # fmt: skip
CELL_COLUMNS = {
    "cell": "string", "model": "string", "dataset": "string", "mix": "string", "sampled": "bool_", "size": "int64",
    "seed": "int64", "draw": "int64",
}  # fmt: skip
PAIR_COLUMNS = {"first": "string", "second": "string"}  # cells


_ORDER = ("said", "conflicting", "text", "prompt_tokens", "completion_tokens")  # of one order of a pair


def _answer_rows(answer: Answer) -> Iterator[Row]:
    """A row a turn; one without a text where there is no turn."""
    shared = {name: getattr(answer, name) for name in ("language", "id", "category", "sample", "error")}
    for number, turn in enumerate(answer.turns or (None,), 1):
        said = {name: getattr(turn, name, None) for name in ("text", "tokens", "finish")}
        yield {**shared, "turn": number, **said}


def _verdict_rows(verdict: Verdict) -> Iterator[Row]:
    yield {name: getattr(verdict, name) for name in _SCHEMAS["verdicts"]}


def _pair_rows(pair: PairVerdict) -> Iterator[Row]:
    """A row an order; one without what was said where nobody was asked."""
    shared = {name: getattr(pair, name) for name in _SCHEMAS["comparisons"] if hasattr(pair, name)}
    for number, order in enumerate(pair.orders or (None,)):
        said = {name: getattr(order, name, None) for name in _ORDER}
        yield {**shared, **said, "order": number, "order_reason": getattr(order, "reason", None)}


def _written(
    what: str,
    kind: type[T],
    rows_of: Callable[[T], Iterator[Row]],
    store: Store,
    plan: Plan,
    wanted: Sequence[Wanted],
    path: Path,
) -> Path:
    """Write the table, whole or not at all, in the place of one that was written before.

    Raises BadInput without pyarrow and for a place that has something else or cannot be written, NotComputed for a
    stage not done, StoreError for a store that fails.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        remedy = "Install polyglot-lab[worker], or leave out --as"
        raise BadInput("Parquet needs pyarrow, which is not installed", where="--as", remedy=remedy) from error
    schema = schema_of({**(PAIR_COLUMNS if what == "comparisons" else CELL_COLUMNS), **_SCHEMAS[what]})
    cells, pairs = cells_of(plan), pairs_of(plan)
    if os.path.lexists(path) and not is_table(path, schema):
        raise taken(path)
    with scratch_beside(path) as scratch:
        part = Path(scratch) / path.name
        with pq.ParquetWriter(part, schema, compression="zstd") as writer:
            for one in wanted:
                pair = pairs.get(one.name)
                head = head_of(one.name, cells) if pair is None else {"first": pair.first, "second": pair.second}
                for batch in _batches(store, one, kind, rows_of, Path(scratch)):
                    writer.write_table(pa.Table.from_pylist([{**head, **row} for row in batch], schema=schema))
        part.replace(path)
    return path


def schema_of(columns: Mapping[str, str]) -> "pa.Schema":
    """Arrow's schema of columns by name and type; `int64[]` is a list of such."""
    import pyarrow as pa

    def of(kind: str) -> "pa.DataType":
        return pa.list_(of(kind.removesuffix("[]"))) if kind.endswith("[]") else getattr(pa, kind)()

    return pa.schema([(name, of(kind)) for name, kind in columns.items()])


def taken(path: Path) -> BadInput:
    """What is said of a place where something else is."""
    got = "a folder" if path.is_dir() else "a file that polyglot did not write so"
    remedy = "Name another folder with --to, or remove it"
    return BadInput("there is something else already", where=str(path), got=got, remedy=remedy)


def is_table(path: Path, schema: "pa.Schema") -> bool:
    """Whether a file is such a table: these columns and nothing that other writers (pandas) say beside them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return False
    return bool(found.equals(schema)) and not found.metadata


def _batches(
    store: Store, one: Wanted, kind: type[T], rows_of: Callable[[T], Iterator[Row]], scratch: Path
) -> Iterator[list[Row]]:
    batch: list[Row] = []
    with tempfile.TemporaryDirectory(dir=scratch) as cache:
        artifact = StoredArtifact(store, manifest_of(store, one), Path(cache))
        for name in artifact.names():
            for item in artifact.lines(name, kind) if name.startswith(one.folder) else ():
                batch += rows_of(item)
                if len(batch) >= _GROUP_ROWS:
                    yield batch
                    batch = []
    if batch:
        yield batch


def cells_of(plan: Plan) -> Mapping[str, Cell]:
    """The cells of a plan by name."""
    table = aggregate_of(plan)
    return {cell.cell: cell for cell in AggregateParams.of(table.stage).cells} if table else {}


def pairs_of(plan: Plan) -> Mapping[str, CellPair]:
    """The pairs of a plan by name."""
    card = next((planned for planned in plan if planned.stage.kind == ReliabilityParams.kind), None)
    params = ReliabilityParams.of(card.stage) if card else None
    return {pair.name: pair for pair in (*params.pairs, *params.imported_pairs)} if params else {}


def models_of(plan: Plan) -> Mapping[str, str]:
    """What each cell of a plan is called as a model, whoever of a panel judges it."""
    return {name: cell.of_model for name, cell in cells_of(plan).items()}


def head_of(name: str, cells: Mapping[str, Cell]) -> Row:
    """The columns that say of which cell a row is."""
    cell = cells.get(name)
    return {column: getattr(cell, column, None) for column in CELL_COLUMNS} | {"cell": name}


Table = Callable[[Store, Plan, Sequence[Wanted], Path], Path]
TABLES: Mapping[str, Table] = {
    "answers": lambda *given: _written("answers", Answer, _answer_rows, *given),
    "verdicts": lambda *given: _written("verdicts", Verdict, _verdict_rows, *given),
    "comparisons": lambda *given: _written("comparisons", PairVerdict, _pair_rows, *given),
}
