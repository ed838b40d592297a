"""Rows without ids are paired by position where the study says so, and a language that shifted is refused."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from jobs.ingest import job as ingest
from jobs.ingest.pairing import find_shift
from polyglot.core.errors import Permanent
from polyglot.kinds.ingest import IngestParams
from tests.kit.data_ingests import ingest_bytes, json_lines, needs_documentation, rows_of
from tests.kit.data_jobs import data_context, staged
from tests.kit.shared import SHARED

Texts = list[list[str]]


def pair(number: int, language: str) -> list[str]:
    """A row whose words are a language's own, but for a name and a number that translation leaves alone."""
    return [f"{language}ask about Person{number} and {1000 + number}", f"{language}say {1000 + number}"]


def rows(language: str, count: int = 40) -> Texts:
    return [pair(number, language) for number in range(1, count + 1)]


def ingested(root: Path, by_language: dict[str, Texts], **options: Any) -> Any:
    files = {
        language: [("train.jsonl", json_lines([{"conversations": row} for row in some]))]
        for language, some in by_language.items()
    }
    return ingest_bytes(root, files, format="lima-x", **options)


def test_rows_without_ids_are_not_paired_unasked(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"rows of EN DE have no ids, .* say so: `pair-by: position` in the data set"):
        ingested(tmp_path, {"EN": rows("e"), "DE": rows("d")})


def test_one_language_has_nothing_to_be_paired_with(tmp_path: Path) -> None:
    assert len(rows_of(ingested(tmp_path, {"DE": rows("d")}), "rows/DE.jsonl")) == 40


def test_rows_that_fit_are_paired_where_the_study_says_so(tmp_path: Path) -> None:
    context = ingested(tmp_path, {"EN": rows("e"), "DE": rows("d")}, pair_by="position")
    assert rows_of(context, "rows/DE.jsonl")[-1]["id"] == "row-000040"


@pytest.mark.parametrize("at", [0, 11, 25])
def test_a_deleted_line_stops_the_ingest_and_is_found(tmp_path: Path, at: int) -> None:
    german = rows("d")
    del german[at]
    with pytest.raises(Permanent) as told:
        ingested(tmp_path, {"EN": rows("e"), "DE": german}, pair_by="position")
    assert f"DE: from record {at + 1} on, rows fit EN's 1 row further down better" in str(told.value)
    assert "(39 records against 40 of EN)" in str(told.value)


def test_a_shift_between_equal_numbers_of_lines_is_found(tmp_path: Path) -> None:
    german = rows("d")
    german.insert(7, ["d an advertisement", "d of nothing"])
    german.pop()
    with pytest.raises(Permanent, match=r"DE: from record 9 on, rows fit EN's 1 row further up better"):
        ingested(tmp_path, {"EN": rows("e"), "DE": german}, pair_by="position")


def test_lines_missing_by_the_dozen_are_found(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"IT: from record 1 on, rows fit EN's 12 rows further down better"):
        ingested(tmp_path, {"EN": rows("e"), "IT": rows("i")[12:]}, pair_by="position")


def test_unequal_numbers_are_refused_where_nothing_else_tells(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"DE: no line n for each line n \(38 records against 40 of EN\)"):
        ingested(tmp_path, {"EN": rows("e"), "DE": rows("d")[:-2]}, pair_by="position")


def test_a_rejected_record_keeps_its_place(tmp_path: Path) -> None:
    german = rows("d")
    german[5] = ["d", ""]
    context = ingested(tmp_path, {"EN": rows("e"), "DE": german}, pair_by="position")
    assert len(rows_of(context, "rows/DE.jsonl")) == 39


def test_the_part_for_validation_is_looked_at_too(tmp_path: Path) -> None:
    context = data_context(tmp_path)

    def offered(name: str, texts: Texts) -> Any:
        return (context.offer(f"{name}.jsonl", json_lines([{"conversations": row} for row in texts])),)

    held = rows("d", 30)
    del held[3]
    params = IngestParams(
        what="dataset",
        languages=("EN", "DE"),
        source="files",
        format="lima-x",
        pair_by="position",
        files={"EN": offered("en", rows("e")), "DE": offered("de", rows("d"))},
        validation_files={"EN": offered("en-held", rows("e", 30)), "DE": offered("de-held", held)},
    )
    with pytest.raises(Permanent, match="DE: from record 4 on"):
        ingest.run(staged(context, params))


def test_neighbours_of_one_subject_are_no_shift() -> None:
    """Rows that share their names with the rows around them, as chapters of one text do."""
    generator = random.Random(7)
    words = [{f"Name{number // 2}", *(f"w{generator.randrange(10**6)}" for _ in range(5))} for number in range(600)]
    pivot = dict(enumerate(words, 1))
    other = {at: {word for word in some if word.startswith("Name")} for at, some in pivot.items()}
    assert find_shift(pivot, other, range(-5, 6)) is None


@pytest.mark.parametrize(
    "form",
    ["Person{0}と{1}について教えてください。", "告诉我关于Person{0}和{1}的事情。", "Person{0}에 대해 {1}을 말해줘"],
)
def test_a_shift_is_found_where_no_space_stands_around_names_and_numbers(tmp_path: Path, form: str) -> None:
    other = [[form.format(number, 1000 + number), form.format(number, 1000 + number)] for number in range(1, 41)]
    ingested(tmp_path / "fits", {"EN": rows("e"), "JA": other}, pair_by="position")
    other.insert(7, ["x", "y"])
    with pytest.raises(Permanent, match=r"JA: from record 9 on, rows fit EN's 1 row further up better"):
        ingested(tmp_path / "shifted", {"EN": rows("e"), "JA": other[:-1]}, pair_by="position")


@needs_documentation
@pytest.mark.parametrize("language", ["DE", "FR", "IT", "ES"])
def test_real_translations_fit_and_every_deleted_line_is_found(language: str) -> None:
    def words(name: str) -> dict[int, set[str]]:
        text = (SHARED / "data" / "docs-x" / f"train_docsx_{name}.jsonl").read_text(encoding="utf-8")
        found = [json.loads(line) for line in text.split("\n") if line]
        return {at: set(f"{row['instruction']} {row['output']}".split()) for at, row in enumerate(found, 1)}

    english, other = words("EN"), words(language)
    offsets = {*range(-5, 6)} - {0}
    assert find_shift(english, other, offsets) is None
    for deleted in range(40, 940, 60):
        shifted = {at - (at > deleted): some for at, some in other.items() if at != deleted}
        found = find_shift(english, shifted, offsets)
        assert found is not None
        assert found.by == 1
        assert abs(found.first - deleted) <= 10
