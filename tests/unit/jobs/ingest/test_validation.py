"""The part of a data set that is held out: an id's translations stay together, what leaks is listed."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.ingest import job as ingest
from jobs.lib.rows import order
from polyglot.core.errors import Permanent
from polyglot.kinds.ingest import IngestParams
from tests.kit.data_ingests import LANGUAGES, bactrian, card_of, json_lines, needs_documentation, rows_of
from tests.kit.data_jobs import DataContext, data_context, staged
from tests.kit.shared import SHARED

Files = dict[str, bytes]


def held_out(root: Path, files: Files, validation: Files | None = None, **params: Any) -> DataContext:
    context = data_context(root)

    def offered(some: Files) -> dict[str, Any]:
        return {language: (context.offer(f"{language}.jsonl", data),) for language, data in some.items()}

    made: Any = {"validation_files": offered(validation or {}), "what": "dataset", "format": "bactrian-x", **params}
    staged(context, IngestParams(languages=tuple(files), source="files", files=offered(files), **made))
    ingest.run(context)
    return context


def ids(context: DataContext, part: str, language: str) -> list[str]:
    return [row["id"] for row in rows_of(context, f"{part}/{language}.jsonl")]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 9), st.randoms(use_true_random=False))
def test_ids_that_all_languages_have_are_held_out_in_all_of_them(
    tmp_path_factory: pytest.TempPathFactory, count: int, shuffle: random.Random
) -> None:
    english, german = [bactrian(n) for n in range(12)], [bactrian(n, output=f"Sage {n}") for n in range(10)]
    shuffle.shuffle(english)
    shuffle.shuffle(german)
    made = held_out(
        tmp_path_factory.mktemp("in"), {"EN": json_lines(english), "DE": json_lines(german)}, validation_ids=count
    )
    expected = set(order.ordered("validation", [f"a-{n}" for n in range(10)])[:count])
    for language, rows in (("EN", english), ("DE", german)):
        held, trained = ids(made, "validation", language), ids(made, "rows", language)
        assert set(held) == expected
        assert sorted(held + trained) == sorted(str(row["id"]) for row in rows)
        assert trained == [row["id"] for row in rows if row["id"] not in expected]  # the source's order stays
    assert card_of(made)["validation"]["languages"]["EN"]["rows"] == count


def test_more_ids_than_there_are_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="validation: got 3 ids of 3 that each of EN has; expected fewer"):
        held_out(tmp_path / "in", {"EN": json_lines([bactrian(n) for n in range(3)])}, validation_ids=3)


def test_what_both_parts_share_is_listed_and_stays(tmp_path: Path) -> None:
    rows = json_lines([bactrian(n) for n in range(4)])
    held = json_lines([bactrian(1, output="Other"), {**bactrian(2), "id": "b-2"}, bactrian(9)])
    made = held_out(tmp_path / "in", {"EN": rows}, {"EN": held})
    assert ids(made, "validation", "EN") == ["a-1", "b-2", "a-9"]
    assert len(ids(made, "rows", "EN")) == 4
    entry = card_of(made)["validation"]["languages"]["EN"]
    assert entry["shared_ids"] == {"count": 1, "ids": ["a-1"]}
    assert entry["shared_texts"] == {"count": 1, "ids": ["b-2"]}


def test_rows_without_ids_are_no_shared_ids(tmp_path: Path) -> None:
    def numbered(*numbers: int) -> bytes:
        return json_lines([{"conversations": [f"Ask {number}", f"Say {number}"]} for number in numbers])

    made = held_out(tmp_path / "in", {"EN": numbered(1, 2)}, {"EN": numbered(3)}, format="lima-x")
    assert ids(made, "validation", "EN") == ["validation-000001"]
    assert card_of(made)["validation"]["languages"]["EN"]["shared_ids"]["count"] == 0


@needs_documentation
def test_the_published_parts_of_docs_x_share_nothing(tmp_path: Path) -> None:
    parts = [
        {name: (SHARED / "data" / "docs-x" / f"{part}_docsx_{name}.jsonl").read_bytes() for name in LANGUAGES}
        for part in ("train", "val")
    ]
    card = card_of(held_out(tmp_path / "in", *parts))["validation"]["languages"]
    assert {
        (entry["rows"], entry["shared_ids"]["count"], entry["shared_texts"]["count"]) for entry in card.values()
    } == {(52, 0, 0)}
