"""Data rows and files: rows are rejected by name and counted, files that cannot be read fail their stage."""

import gzip
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow

from jobs.ingest import streams
from tests.kit.bad_inputs import Case
from tests.kit.bad_inputs.data_files import CSV_CASES, WHOLE_FILES
from tests.kit.bad_inputs.data_lines import (
    BAD_CHATS,
    BAD_LINES,
    BAD_QUESTIONS,
    BAD_REFERENCES,
    FIRST,
    LAST,
    conversation,
    said,
)
from tests.kit.data_ingests import bactrian, ingest_bytes, json_lines, rows_of

ROOM = "Data rows and files"
_BOMB_BYTES = 2**20  # instead of a GiB, so that the case is quick


def _ingest(folder: Path, files: Mapping[str, Sequence[tuple[str, bytes]]], options: Mapping[str, Any]) -> list[str]:
    context = ingest_bytes(folder / "job", files, **options)
    rows = rows_of(context, "rejected.jsonl")
    return [f"{row['file']}:{row['line']}: {row['reason']} ({_shown(row['id'])})" for row in rows]


def _shown(identifier: str | None) -> str:
    if identifier is None:
        return "no id"
    quoted = json.dumps(identifier)[1:-1]
    return f"id {quoted if len(quoted) < 40 else quoted[:20] + '…'}"


def _case(name: str, file: str, data: bytes, language: str = "EN", **options: Any) -> Case:
    provoke = partial(_ingest, files={language: [(file, data)]}, options=options)
    return Case(room=ROOM, name=name, provoke=provoke)


def _benchmark(what: str, name: str, record: object) -> Case:
    good = {"question_id": 1, "category": "x", "turns": ["a"], "choices": [{"turns": ["a"]}]}
    named = f"{what.removesuffix('s')}: {name}"
    return _case(named, f"{what}.jsonl", json_lines([good, record]), what=what, format="mt-bench")


def _bomb(folder: Path, compression: str) -> list[str]:
    data = FIRST + b"\n" * 2**24
    packed = gzip.compress(data, mtime=0) if compression == "gz" else pyarrow.compress(data, "zstd", asbytes=True)
    allowed, streams.BOMB_BYTES = streams.BOMB_BYTES, _BOMB_BYTES
    try:
        return _ingest(folder, {"EN": [(f"rows.jsonl.{compression}", bytes(packed))]}, {})
    finally:
        streams.BOMB_BYTES = allowed


def _exchanged(folder: Path) -> list[str]:
    german = "Das ist ein ganz gewöhnlicher deutscher Satz, Nummer {}, der lang genug ist, damit man ihn erkennt."
    french = "Ceci est une phrase française ordinaire, numéro {}, assez longue pour être reconnue comme telle."
    named = {"DE": ("rows_de.jsonl", french), "FR": ("rows_fr.jsonl", german)}
    files = {
        language: [(name, json_lines([bactrian(n, output=text.format(n)) for n in range(25)]))]
        for language, (name, text) in named.items()
    }
    return _ingest(folder, files, {})


_CHAT = conversation(said("user"), said("assistant"))
CASES = [
    *(_case(name, "rows.jsonl", FIRST + data + b"\n" + LAST) for name, (data, _) in BAD_LINES.items()),
    _case(
        "ids that look alike (NFC and NFD)", "rows.jsonl", json_lines([bactrian("\u00e9"), bactrian("e\u0301")]), "FR"
    ),
    *(
        _case(f"messages: {name}", "chats.jsonl", _CHAT + b"\n" + data, format="messages")
        for name, (data, _) in BAD_CHATS.items()
    ),
    *(_benchmark("questions", name, record) for name, (record, _) in BAD_QUESTIONS.items()),
    *(_benchmark("references", name, record) for name, (record, _) in BAD_REFERENCES.items()),
    *(_case(f"CSV: {name}", "rows.csv", data) for name, (data, _) in CSV_CASES.items()),
    *(_case(name, file, data) for name, (file, data, _) in WHOLE_FILES.items()),
    *(
        Case(room=ROOM, name=f"a decompression bomb ({kind})", provoke=partial(_bomb, compression=kind))
        for kind in ("gz", "zst")
    ),
    Case(room=ROOM, name="German and French files exchanged", provoke=_exchanged),
]
