"""Bad files of data: rows of tables with their rejections, and whole files with the beginning of their error."""

import gzip
import io

import pyarrow
from pyarrow import parquet

from jobs.ingest import streams
from tests.kit.bad_inputs.data_lines import FIRST

COLUMNS = {"id": ["1", "2"], "instruction": ["a" * 99, "b"], "output": ["x" * 99, "y"]}


def _parquet(table: pyarrow.Table) -> bytes:
    out = io.BytesIO()
    parquet.write_table(table, out, compression="zstd", use_dictionary=False)
    return out.getvalue()


PARQUET = _parquet(pyarrow.table(COLUMNS))
LATER = pyarrow.array([2**60, 1], pyarrow.timestamp("us"))  # beyond what Python can tell as a date

CSV_HEADER = b"id,instruction,input,output\n"
CSV_CASES: dict[str, tuple[bytes, list[tuple[int, str]]]] = {
    "a field too many": (CSV_HEADER + b"1,a,,b\n2,a,,b,c\n", [(3, "wrong-columns")]),
    "a field too few": (CSV_HEADER + b"1,a,,b\n2,a\n", [(3, "wrong-columns")]),
    "Latin-1": (CSV_HEADER + b"1,a,,b\n2,caf\xe9,,b\n", [(3, "not-utf8")]),
    "a quote that is never closed": (CSV_HEADER + b'1,a,,b\n2,"a,,b\n3,a,,b\n', [(4, "not-csv")]),
    "text after a quote": (CSV_HEADER + b'1,a,,b\n2,"a"x,,b\n3,c,,d\n', [(3, "not-csv")]),
    "a NUL": (CSV_HEADER + b"1,a,,b\n2,a\0,,b\n", [(3, "nul")]),
}

WHOLE_FILES: dict[str, tuple[str, bytes, str]] = {
    "an unknown ending": (
        "rows.txt",
        FIRST,
        "rows.txt: format unknown by its name; expected .jsonl .ndjson .json .csv .parquet, all but .parquet also "
        "with .gz or .zst",
    ),
    "Parquet inside gzip": ("rows.parquet.gz", FIRST, "rows.parquet.gz: format unknown by its name"),
    "gzip in name only": ("rows.jsonl.gz", FIRST, "rows.jsonl.gz: not readable as gzip: Not a gzipped file"),
    "gzip cut short": ("rows.jsonl.gz", gzip.compress(FIRST * 9)[:-6], "rows.jsonl.gz: not readable as gzip: "),
    "gzip with a wrong checksum": (
        "rows.jsonl.gz",
        gzip.compress(FIRST)[:-8] + b"\0" * 8,
        "rows.jsonl.gz: not readable as gzip: CRC check failed",
    ),
    "Zstandard in name only": ("rows.jsonl.zst", FIRST, "rows.jsonl.zst: not readable as zstd: "),
    "Parquet in name only": ("rows.parquet", FIRST, "rows.parquet: not readable as Parquet after row 0: "),
    "UTF-16": ("rows.jsonl", FIRST.decode().encode("utf-16"), "rows.jsonl: encoded as UTF-16 or UTF-32; expected"),
    "UTF-32": ("rows.jsonl", b"\0\0\xfe\xff" + FIRST, "rows.jsonl: encoded as UTF-32; expected UTF-8."),
    "Zstandard cut short": (
        "rows.jsonl.zst",
        bytes(pyarrow.compress(FIRST * 99, codec="zstd", asbytes=True))[:-9],
        "rows.jsonl.zst: not readable as zstd: ",
    ),
    "Parquet cut short": ("rows.parquet", PARQUET[:-40], "rows.parquet: not readable as Parquet after row 0: "),
    "Parquet with a damaged page": (
        "rows.parquet",
        PARQUET[:60] + bytes(40) + PARQUET[100:],
        "rows.parquet: not readable as Parquet after row ",
    ),
    "Parquet with a column twice": (
        "rows.parquet",
        _parquet(pyarrow.table([*COLUMNS.values(), ["x", "y"]], names=[*COLUMNS, "output"])),
        "rows.parquet: column 'output' is there twice; expected distinct column names",
    ),
    "Parquet with a date that is none": (
        "rows.parquet",
        _parquet(pyarrow.table(COLUMNS | {"when": LATER})),
        "rows.parquet: not readable as Parquet after row 0: date value out of range",
    ),
    "Parquet with texts for output that are lists": (
        "rows.parquet",
        _parquet(pyarrow.table(COLUMNS | {"output": [["x"], ["y"]]})),
        "EN: none of 2 records was accepted: wrong-type 2.",
    ),
    "UTF-16 without a mark": ("rows.jsonl", FIRST.decode().encode("utf-16-le"), "EN: none of "),
    "empty": ("rows.jsonl", b"", "EN: none of 0 records was accepted: no record at all."),
    "an array that breaks off": ("rows.json", b"[" + FIRST + b",", "rows.json: line 2: the array breaks off"),
    "an array that is cut in an element": ("rows.json", b'[{"id": ', "rows.json: line 1: not JSON: Expecting value"),
    "an array without commas": ("rows.json", b"[{}\n{}]", "rows.json: line 2: the array breaks off or is malformed"),
    "text after an array": ("rows.json", b"[" + FIRST + b"]\n[]", "rows.json: line 3: text after the end of the array"),
    "an array that is not UTF-8": ("rows.json", b'[{"id": "\xff"}]', "rows.json: not UTF-8 after line 1"),
    "an array nested 100,000 deep": ("rows.json", b"[" * 100_000, "rows.json: line 1: nested too deeply"),
    "an array with a number of 5,000 digits": ("rows.json", b"[" + b"9" * 5000 + b"]", "rows.json: line 1: not JSON: "),
    "CSV without a header": ("rows.csv", b"", "rows.csv: got no header line with distinct column names; expected one"),
    "CSV with a column twice": ("rows.csv", b"id,id\n1,2\n", "rows.csv: got no header line with distinct column names"),
    "CSV with a field above the limit": (
        "rows.csv",
        CSV_HEADER + b'1,"' + b"x\n" * (streams.MAX_RECORD_BYTES // 2 + 1),
        "rows.csv: line 8388610: field larger than field limit (16777216) (a quote that is never closed?)",
    ),
}  # fmt: skip
