"""Bad data, one case each: the exact rejection with its line, or the exact error. Never a crash, never a silent drop.

Every case stands between two good rows (where the file format lets it), which must both be accepted.
"""

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from jobs.lib.data import streams
from polyglot.core.errors import Permanent
from tests.kit.data_ingests import bactrian, card_of, ingest_bytes, json_lines, reasons_of, rows_of

FIRST, LAST = json_lines([bactrian("first")]), json_lines([bactrian("last")])


def line(**changes: object) -> bytes:
    return json.dumps(bactrian(2, **changes), ensure_ascii=False).encode()


def conversation(*turns: object) -> bytes:
    return json.dumps({"id": "c", "messages": list(turns)}).encode()


def said(role: str, content: object = "x") -> dict[str, object]:
    return {"role": role, "content": content}


BAD_LINES: dict[str, tuple[bytes, str]] = {
    "empty output": (line(output=""), "empty-output"),
    "blank output": (line(output=" \t\u00a0\u2003 "), "empty-output"),
    "empty instruction": (line(instruction=""), "empty-instruction"),
    "blank instruction with an input": (line(instruction=" ", input="text"), "empty-instruction"),
    "no output": (b'{"id": "a-2", "instruction": "x"}', "missing-field"),
    "no id": (b'{"instruction": "x", "output": "y"}', "missing-field"),
    "null output": (line(output=None), "missing-field"),
    "number for output": (line(output=7), "wrong-type"),
    "list for instruction": (line(instruction=["x"]), "wrong-type"),
    "object for input": (line(input={"a": "b"}), "wrong-type"),
    "truth value for id": (line(id=True), "wrong-type"),
    "fraction for id": (line(id=1.5), "wrong-type"),
    "empty id": (line(id=""), "bad-id"),
    "id with a line break": (line(id="a\nb"), "bad-id"),
    "id with a right-to-left mark": (line(id="a\u202eb"), "bad-id"),
    "very long id": (line(id="a" * 513), "bad-id"),
    "id of the row before": (line(id="a-first"), "duplicate-id"),
    "followups that are no list": (line(followups="more"), "wrong-type"),
    "a followup without an output": (line(followups=[{"instruction": "x"}]), "missing-field"),
    "a followup with an empty output": (line(followups=[{"instruction": "x", "output": ""}]), "empty-output"),
    "a list": (b"[1, 2]", "wrong-type"),
    "a text": (b'"x"', "wrong-type"),
    "null": (b"null", "wrong-type"),
    "not JSON": (b"{'id': 1}", "not-json"),
    "two values on a line": (b"{} {}", "not-json"),
    "broken off": (b'{"id": "a-2", "instruction": "x', "not-json"),
    "NaN": (b'{"id": NaN}', "not-json"),
    "Infinity": (b'{"id": -Infinity}', "not-json"),
    "a number of 5,000 digits": (b'{"id": ' + b"9" * 5000 + b"}", "not-json"),
    "a raw control character": (b'{"id": "a\x01"}', "not-json"),
    "a key twice": (b'{"id": "a-2", "id": "a-3", "instruction": "x", "output": "y"}', "duplicate-key"),
    "100,000 brackets": (b"[" * 100_000, "too-deep"),
    "Latin-1": ("{\"id\": \"a-2\", \"instruction\": \"Größe\", \"output\": \"x\"}".encode("latin-1"), "not-utf8"),
    "an overlong encoding": (b'{"id": "\xc0\xaf"}', "not-utf8"),
    "a surrogate in UTF-8": (b'{"id": "\xed\xa0\x80"}', "not-utf8"),
    "a raw NUL": (b'{"id": "a\x00b"}', "nul"),
    "an escaped NUL": (rb'{"id": "a-2", "instruction": "x", "output": "a\u0000b"}', "nul"),
    "a lone surrogate": (rb'{"id": "a-2", "instruction": "x", "output": "\ud83d"}', "lone-surrogate"),
    "a lone surrogate in a followup": (
        rb'{"id": "a-2", "instruction": "x", "output": "y", "followups": [{"instruction": "\udc00", "output": "z"}]}',
        "lone-surrogate",
    ),
    "a line above the limit": (line(output="x" * streams.MAX_RECORD_BYTES), "too-long"),
}  # fmt: skip

BAD_CHATS: dict[str, tuple[bytes, str]] = {
    "no turn": (conversation(), "bad-turns"),
    "a question alone": (conversation(said("user")), "bad-turns"),
    "the assistant first": (conversation(said("assistant"), said("user")), "bad-turns"),
    "two users in a row": (conversation(said("user"), said("user"), said("assistant")), "bad-turns"),
    "the user last": (conversation(said("user"), said("assistant"), said("user")), "bad-turns"),
    "a system message": (conversation(said("system"), said("user"), said("assistant")), "system-message"),
    "a system message later": (conversation(said("user"), said("system"), said("assistant")), "bad-turns"),
    "an unknown role": (conversation(said("user"), said("tool")), "unknown-role"),
    "a turn that is a text": (conversation("x", "y"), "wrong-type"),
    "content in parts": (conversation(said("user", [{"type": "text"}]), said("assistant")), "wrong-type"),
    "no content": (conversation({"role": "user"}, said("assistant")), "missing-field"),
    "messages that are no list": (b'{"messages": "x"}', "wrong-type"),
    "no messages": (b'{"id": "x"}', "missing-field"),
}

BAD_QUESTIONS: dict[str, tuple[object, str]] = {
    "no turn": ({"question_id": 2, "category": "x", "turns": []}, "bad-turns"),
    "an empty turn": ({"question_id": 2, "category": "x", "turns": ["a", " "]}, "empty-instruction"),
    "a number for a turn": ({"question_id": 2, "category": "x", "turns": ["a", 1]}, "wrong-type"),
    "no category": ({"question_id": 2, "turns": ["a"]}, "missing-field"),
    "another language's suffix": ({"question_id": "2_DE", "category": "x", "turns": ["a"]}, "other-language"),
}

BAD_REFERENCES: dict[str, tuple[object, str]] = {
    "no choice": ({"question_id": 2, "choices": []}, "no-reference"),
    "blank turns": ({"question_id": 2, "choices": [{"turns": ["", " "]}]}, "no-reference"),
    "a choice that is a text": ({"question_id": 2, "choices": ["a"]}, "wrong-type"),
    "a choice without turns": ({"question_id": 2, "choices": [{}]}, "missing-field"),
}


@pytest.mark.parametrize(("data", "reason"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_rejected_by_name_and_its_neighbours_are_kept(tmp_path: Path, data: bytes, reason: str) -> None:
    context = ingest_bytes(tmp_path / "job", {"DE": [("rows.jsonl", FIRST + data + b"\n" + LAST)]})
    assert reasons_of(context) == [(2, reason)]
    assert [row["id"] for row in rows_of(context, "rows/DE.jsonl")] == ["a-first", "a-last"]


@pytest.mark.parametrize(("data", "reason"), BAD_CHATS.values(), ids=BAD_CHATS.keys())
def test_a_bad_conversation_is_rejected_by_name(tmp_path: Path, data: bytes, reason: str) -> None:
    good = conversation(said("user"), said("assistant"))
    context = ingest_bytes(tmp_path / "job", {"DE": [("rows.jsonl", good + b"\n" + data)]}, format="messages")
    assert reasons_of(context) == [(2, reason)]


@pytest.mark.parametrize(
    ("what", "record", "reason"),
    [("questions", *case) for case in BAD_QUESTIONS.values()]
    + [("references", *case) for case in BAD_REFERENCES.values()],
    ids=[f"questions: {name}" for name in BAD_QUESTIONS] + [f"references: {name}" for name in BAD_REFERENCES],
)
def test_a_bad_benchmark_record_is_rejected_by_name(tmp_path: Path, what: str, record: object, reason: str) -> None:
    good = {"question_id": 1, "category": "x", "turns": ["a"], "choices": [{"turns": ["a"]}]}
    data = json_lines([good, record])
    context = ingest_bytes(tmp_path / "job", {"EN": [("q.jsonl", data)]}, what=what, format="mt-bench")
    assert reasons_of(context) == [(2, reason)]


CSV_HEADER = b"id,instruction,input,output\n"
CSV_CASES: dict[str, tuple[bytes, list[tuple[int, str]]]] = {
    "a field too many": (CSV_HEADER + b"1,a,,b\n2,a,,b,c\n", [(3, "wrong-columns")]),
    "a field too few": (CSV_HEADER + b"1,a,,b\n2,a\n", [(3, "wrong-columns")]),
    "Latin-1": (CSV_HEADER + b"1,a,,b\n2,caf\xe9,,b\n", [(3, "not-utf8")]),
    "a quote that is never closed": (CSV_HEADER + b'1,a,,b\n2,"a,,b\n3,a,,b\n', [(4, "not-csv")]),
    "text after a quote": (CSV_HEADER + b'1,a,,b\n2,"a"x,,b\n3,c,,d\n', [(3, "not-csv")]),
    "a NUL": (CSV_HEADER + b"1,a,,b\n2,a\0,,b\n", [(3, "nul")]),
}


@pytest.mark.parametrize(("data", "rejections"), CSV_CASES.values(), ids=CSV_CASES.keys())
def test_a_bad_csv_row_is_rejected_with_its_line(
    tmp_path: Path, data: bytes, rejections: list[tuple[int, str]]
) -> None:
    context = ingest_bytes(tmp_path / "job", {"EN": [("rows.csv", data)]})
    assert reasons_of(context) == rejections


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


@pytest.mark.parametrize(("name", "data", "message"), WHOLE_FILES.values(), ids=WHOLE_FILES.keys())
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    with pytest.raises(Permanent) as error:
        ingest_bytes(tmp_path / "job", {"EN": [(name, data)]})
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_line_of_100_megabytes_costs_a_rejection_and_little_memory(tmp_path: Path) -> None:
    data = b"".join([FIRST, b'{"id": "a-2", "output": "', b"x" * 100_000_000, b'"}\n', LAST])
    tracemalloc.start()
    context = ingest_bytes(tmp_path / "job", {"EN": [("rows.jsonl.gz", gzip.compress(data, 1))]})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reasons_of(context) == [(2, "too-long")]
    assert len(rows_of(context, "rows/EN.jsonl")) == 2
    assert peak < 4 * streams.MAX_RECORD_BYTES


def test_a_decompression_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BOMB_BYTES", 2**20)
    bomb = gzip.compress(FIRST + b"\n" * 2**24)
    with pytest.raises(
        Permanent, match=r"^rows\.jsonl\.gz: expands to more than \d+ bytes; a decompression bomb is not data$"
    ):
        ingest_bytes(tmp_path / "job", {"EN": [("rows.jsonl.gz", bomb)]})


def test_a_byte_order_mark_is_left_out_and_counted(tmp_path: Path) -> None:
    context = ingest_bytes(tmp_path / "job", {"EN": [("rows.jsonl", b"\xef\xbb\xbf" + FIRST + LAST)]})
    assert len(rows_of(context, "rows/EN.jsonl")) == 2
    assert card_of(context)["languages"]["EN"]["notes"] == {"byte-order-mark": 1}


def test_blank_lines_and_foreign_line_ends_are_no_records(tmp_path: Path) -> None:
    data = b"\n" + FIRST.replace(b"\n", b"\r\n") + b"  \r\n\n" + LAST.rstrip()
    context = ingest_bytes(tmp_path / "job", {"EN": [("rows.jsonl", data)]})
    assert [row["origin"] for row in rows_of(context, "rows/EN.jsonl")] == ["files:rows.jsonl:2", "files:rows.jsonl:5"]


def test_parquet_rows_are_numbered_and_bad_ones_rejected(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"id": ["1", "2", None], "instruction": ["a", "b", "c"], "output": ["x", "", "z"]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "rows.parquet")
    data = (tmp_path / "rows.parquet").read_bytes()
    context = ingest_bytes(tmp_path / "job", {"EN": [("rows.parquet", data)]})
    assert [row["id"] for row in rows_of(context, "rows/EN.jsonl")] == ["1"]
    assert reasons_of(context) == [(2, "empty-output"), (3, "missing-field")]


def test_swapped_languages_show_in_the_card(tmp_path: Path) -> None:
    german = "Das ist ein ganz gewöhnlicher deutscher Satz, der lang genug ist, damit man ihn erkennt."
    english = "This is a perfectly ordinary English sentence that is long enough to be recognised as one."
    files = {
        "EN": [("e.jsonl", json_lines([bactrian(1, output=german)]))],
        "DE": [("d.jsonl", json_lines([bactrian(1, output=english)]))],
    }
    languages = card_of(ingest_bytes(tmp_path / "job", files))["defects"]["other-language"]["languages"]
    assert {language: (entry["count"], entry["of"]) for language, entry in languages.items()} == {
        "EN": (1, 1),
        "DE": (1, 1),
    }
