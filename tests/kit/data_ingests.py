"""Ingests of small rows and of the published sets, for tests of the data jobs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobs.ingest import job as ingest
from polyglot.kinds.ingest import IngestParams
from tests.kit.data_jobs import DataContext, data_context, staged
from tests.kit.shared import SHARED

LANGUAGES = ("EN", "DE", "FR", "IT", "ES")

needs_benchmark = pytest.mark.skipif(
    not (SHARED / "mt-bench-x").is_dir(), reason="needs mt-bench-x in the folder that POLYGLOT_SHARED names"
)
needs_documentation = pytest.mark.skipif(
    not (SHARED / "data" / "docs-x").is_dir(), reason="needs docs-x and help-x in the folder that POLYGLOT_SHARED names"
)


def json_lines(rows: Sequence[object]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def bactrian(number: int | str, **changes: object) -> dict[str, object]:
    return {"id": f"a-{number}", "instruction": f"Ask {number}", "input": "", "output": f"Say {number}", **changes}


def ingest_bytes(
    root: Path,
    files: Mapping[str, Sequence[tuple[str, bytes]]],
    *,
    what: str = "dataset",
    format: str = "bactrian-x",
    licence: str = "",
    pair_by: str = "id",
) -> DataContext:
    """Ingest files given as {language: [(name, bytes)]}."""
    context = data_context(root)
    offered = {language: tuple(context.offer(*file) for file in some) for language, some in files.items()}
    params: Any = {"what": what, "format": format, "pair_by": pair_by}
    staged(
        context,
        IngestParams(languages=tuple(files), source="files", files=offered, licence=licence, **params),
    )
    ingest.run(context)
    return context


def ingest_paths(root: Path, files: Mapping[str, Sequence[Path]], **options: Any) -> DataContext:
    contents = {language: [(path.name, path.read_bytes()) for path in paths] for language, paths in files.items()}
    return ingest_bytes(root, contents, **options)


def rows_of(context: DataContext, name: str) -> list[dict[str, Any]]:
    with (context.out / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def card_of(context: DataContext) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((context.out / "card.json").read_bytes())
    return card


def reasons_of(context: DataContext) -> list[tuple[int, str]]:
    return [(row["line"], row["reason"]) for row in rows_of(context, "rejected.jsonl")]
