"""Bad data, one case each: the exact rejection with its line, or the exact error. Never a crash, never a silent drop.

Every case stands between two good rows (where the file format lets it), which must both be accepted.
"""

import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from jobs.ingest import job as ingest
from jobs.ingest import normalise, streams
from polyglot.core.errors import Permanent
from polyglot.kinds.ingest import IngestParams
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
from tests.kit.data_ingests import bactrian, card_of, ingest_bytes, json_lines, reasons_of, rows_of
from tests.kit.data_jobs import data_context, staged


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


@pytest.mark.parametrize(("data", "rejections"), CSV_CASES.values(), ids=CSV_CASES.keys())
def test_a_bad_csv_row_is_rejected_with_its_line(
    tmp_path: Path, data: bytes, rejections: list[tuple[int, str]]
) -> None:
    context = ingest_bytes(tmp_path / "job", {"EN": [("rows.csv", data)]})
    assert reasons_of(context) == rejections


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
    ingest_bytes(tmp_path / "before", {"EN": [("rows.jsonl.gz", gzip.compress(FIRST, 1))]})  # what imports take
    tracemalloc.start()
    context = ingest_bytes(tmp_path / "job", {"EN": [("rows.jsonl.gz", gzip.compress(data, 1))]})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reasons_of(context) == [(2, "too-long")]
    assert len(rows_of(context, "rows/EN.jsonl")) == 2
    assert peak < 4 * streams.MAX_RECORD_BYTES


@pytest.mark.parametrize("compression", ["gz", "zst"])
def test_a_decompression_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str) -> None:
    monkeypatch.setattr(streams, "BOMB_BYTES", 2**20)
    data = FIRST + b"\n" * 2**24
    bomb = gzip.compress(data) if compression == "gz" else bytes(pyarrow.compress(data, codec="zstd", asbytes=True))
    message = rf"^rows\.jsonl\.{compression}: expands to more than \d+ bytes; a decompression bomb is not data$"
    with pytest.raises(Permanent, match=message):
        ingest_bytes(tmp_path / "job", {"EN": [(f"rows.jsonl.{compression}", bomb)]})


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


def test_a_table_s_record_above_the_limit_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normalise, "MAX_RECORD_BYTES", 2**16)
    columns = {"id": ["1", "2", "3"], "instruction": ["a"] * 3, "output": ["x", "y" * 2**16, "z"]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "rows.parquet")
    context = ingest_bytes(tmp_path / "job", {"EN": [("rows.parquet", (tmp_path / "rows.parquet").read_bytes())]})
    assert reasons_of(context) == [(2, "too-long")]


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


GERMAN = "Das ist ein ganz gewöhnlicher deutscher Satz, Nummer {}, der lang genug ist, damit man ihn erkennt."
FRENCH = "Ceci est une phrase française tout à fait ordinaire, numéro {}, assez longue pour être reconnue comme telle."


def test_exchanged_files_are_refused_by_name(tmp_path: Path) -> None:
    def rows(text: str) -> bytes:
        return json_lines([bactrian(n, output=text.format(n)) for n in range(20)])

    files = {"DE": [("f.jsonl", rows(FRENCH))], "FR": [("d.jsonl", rows(GERMAN))]}
    with pytest.raises(Permanent) as error:
        ingest_bytes(tmp_path / "exchanged", files)
    assert str(error.value) == (
        "DE: 20 of 20 turns are in another language, most of them in FR; expected DE. "
        "The files of DE and FR look exchanged"
    )
    with pytest.raises(Permanent, match=r"^FR: 20 of 20 turns .* in DE; expected FR\. Check the files of it$"):
        ingest_bytes(tmp_path / "twice", {"DE": [("d.jsonl", rows(GERMAN))], "FR": [("f.jsonl", rows(GERMAN))]})
    card = card_of(ingest_bytes(tmp_path / "fine", {"DE": files["FR"], "FR": files["DE"]}))
    assert card["languages"]["FR"]["identified"] == {"FR": 20}


def test_a_translation_that_copies_is_a_finding_and_no_exchanged_file(tmp_path: Path) -> None:
    """The engine `identity`, which figures are compared with, leaves every row as it was."""
    rows = json_lines([bactrian(n, output=GERMAN.format(n)) for n in range(20)])
    german = ingest_bytes(tmp_path / "files", {"DE": [("d.jsonl", rows)]})
    copies = tmp_path / "copied" / "rows" / "FR.jsonl"
    copies.parent.mkdir(parents=True)
    copies.write_bytes(json_lines([{**row, "language": "FR"} for row in rows_of(german, "rows/DE.jsonl")]))
    (tmp_path / "copied" / "rejected.jsonl").touch()
    made = data_context(tmp_path / "job", inputs={"rows:DE": german.out, "rows:FR": tmp_path / "copied"})
    params = IngestParams(what="dataset", languages=("DE", "FR"), source="stages", format="normal")
    ingest.run(staged(made, params, ("rows:DE", "rows:FR")))
    languages = card_of(made)["defects"]["other-language"]["languages"]
    assert {language: (entry["count"], entry["of"]) for language, entry in languages.items()} == {
        "DE": (0, 20),
        "FR": (20, 20),
    }


def test_twins_that_only_normalisation_tells_apart_are_one_id(tmp_path: Path) -> None:
    rows = json_lines([bactrian("é"), bactrian("e\u0301", output="Other"), bactrian("é", output="Third")])
    context = ingest_bytes(tmp_path / "job", {"FR": [("rows.jsonl", rows)]})
    assert reasons_of(context) == [(2, "twin-id"), (3, "duplicate-id")]


def test_there_are_at_least_sixty_bad_inputs() -> None:
    named = [BAD_LINES, BAD_CHATS, BAD_QUESTIONS, BAD_REFERENCES, CSV_CASES, WHOLE_FILES]
    assert sum(map(len, named)) >= 90
