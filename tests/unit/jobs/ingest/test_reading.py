"""The same rows come out of every file format, whatever the block sizes of its reader."""

import csv
import gzip
import io
import json
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from jobs.ingest import json_array
from jobs.ingest.reading import read_records
from tests.kit.data_ingests import json_lines

ROWS = [
    {"id": "1", "instruction": "Größe, bitte", "input": "", "output": 'zwei\nZeilen und "Zitat"'},
    {"id": "2", "instruction": "œuf", "input": "x,y", "output": "😀 \u2028 ende"},
]


def _csv() -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(ROWS[0]))
    writer.writeheader()
    writer.writerows(ROWS)
    return text.getvalue().encode()


def _parquet() -> bytes:
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), sink)
    return bytes(sink.getvalue())


PLAIN = {
    "rows.jsonl": json_lines(ROWS),
    "rows.NDJSON": json_lines(ROWS),
    "rows.json": json.dumps(ROWS, indent=2).encode(),
    "lines.json": json_lines(ROWS),
    "rows.csv": _csv(),
}
FILES = {
    **PLAIN,
    **{f"{name}.gz": gzip.compress(data) for name, data in PLAIN.items()},
    **{f"{name}.zst": bytes(pyarrow.compress(data, codec="zstd", asbytes=True)) for name, data in PLAIN.items()},
    "members.jsonl.gz": b"".join(gzip.compress(json_lines([row])) for row in ROWS),
    "frames.jsonl.zst": b"".join(pyarrow.compress(json_lines([row]), codec="zstd", asbytes=True) for row in ROWS),
    "rows.parquet": _parquet(),
}


@pytest.mark.parametrize("name", FILES)
def test_a_format_gives_the_rows_that_were_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(FILES[name])
    records = list(read_records(tmp_path / "file", name))
    assert [record.value for record in records] == ROWS
    assert [record.reason for record in records] == [None, None]


NUMBERS = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.lists(VALUES, max_size=6), st.integers(1, 40), st.sampled_from([None, 1]))
def test_an_array_is_read_element_by_element_in_chunks_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, values: list[object], chunk: int, indent: int | None
) -> None:
    path = tmp_path_factory.mktemp("array") / "file"
    text = json.dumps(values, ensure_ascii=False, indent=indent)
    path.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_array, "CHUNK", chunk)
        records = list(read_records(path, "rows.json"))
    assert [record.value for record in records] == values
    assert all(1 <= record.line <= text.count("\n") + 1 for record in records)


def test_elements_of_an_array_know_their_lines(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('[\n{"a":\n1},\n\n{"a": 2}, {"a": NaN}\n]\n')
    records = list(read_records(tmp_path / "file", "rows.json"))
    assert [(record.line, record.value, record.reason) for record in records] == [
        (2, {"a": 1}, None),
        (5, {"a": 2}, None),
        (5, None, "not-json"),
    ]
