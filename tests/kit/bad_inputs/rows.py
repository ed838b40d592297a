"""Data rows and files: rows are rejected by name and counted, files that cannot be read fail their stage."""

import gzip
import json
from functools import partial
from pathlib import Path

from jobs import ingest
from polyglot.core.stage import Stage
from polyglot.spec.params import IngestParams
from tests.kit.bad_inputs import Case
from tests.kit.data_jobs import data_context

GOOD = {"id": "a-1", "instruction": "Say hello.", "input": "", "output": "Hello."}


def _ingest(folder: Path, name: str, data: bytes) -> list[str]:
    context = data_context(folder / "job")
    files = {"EN": (context.offer(name, data),)}
    params = IngestParams(what="dataset", languages=("EN",), source="files", format="bactrian-x", files=files)
    context.stage = Stage(kind="ingest", version=1, params=params.document())
    ingest.run(context)
    with (context.out / "rejected.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [f"{row['file']}:{row['line']}: {row['reason']} (id {row['id']})" for row in rows]


def _row(name: str, row: object) -> Case:
    lines = "\n".join(json.dumps(value) for value in (GOOD, row)) + "\n"
    return _bytes(name, lines.encode())


def _bytes(name: str, data: bytes, file: str = "rows.jsonl") -> Case:
    return Case(room="Data rows and files", name=name, provoke=partial(_ingest, name=file, data=data))


_LINE = json.dumps(GOOD).encode() + b"\n"
CASES = [
    _row("a missing field", {"id": "a-2", "instruction": "x"}),
    _row("an empty output", {**GOOD, "id": "a-2", "output": " "}),
    _row("an empty instruction", {**GOOD, "id": "a-2", "instruction": ""}),
    _row("a number for text", {**GOOD, "id": "a-2", "output": 7}),
    _row("an id twice", GOOD),
    _row("a list for a row", [1, 2]),
    _row("a NUL character", {**GOOD, "id": "a-2", "output": "a\0b"}),
    _bytes("a lone surrogate", _LINE + b'{"id": "a-2", "instruction": "x", "input": "", "output": "\\ud800"}\n'),
    _bytes("a line that is not JSON", _LINE + b"{'id': 1}\n"),
    _bytes("a line that breaks off", _LINE + b'{"id": "a-2", "instr'),
    _bytes(
        "a line that is not UTF-8", _LINE + b'{"id": "a-2", "instruction": "caf\xe9", "input": "", "output": "x"}\n'
    ),
    _bytes("UTF-16", json.dumps(GOOD).encode("utf-16")),
    _bytes("gzip cut short", gzip.compress(_LINE * 50, mtime=0)[:-12], "rows.jsonl.gz"),
    _bytes("gzip in name only", _LINE, "rows.jsonl.gz"),
    _bytes("a format that the name does not tell", _LINE, "rows.data"),
    _bytes("Parquet in name only", _LINE, "rows.parquet"),
]
