"""What an ingest promises: one form or one named rejection a record, text untouched, ids shared by the languages."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.ingest import job as ingest
from polyglot.core.errors import Interrupted, Permanent
from polyglot.kinds.ingest import IngestParams
from tests.kit.data_ingests import (
    LANGUAGES,
    bactrian,
    card_of,
    ingest_bytes,
    json_lines,
    reasons_of,
    rows_of,
)
from tests.kit.data_jobs import data_context, staged

ADAPTED: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("bactrian-x", {"id": "d-1", "instruction": "A", "input": "B", "output": "C"}, "d-1", ["A\n\nB", "C"]),
    ("bactrian-x", {"id": 7, "instruction": "A", "input": None, "output": "C"}, "7", ["A", "C"]),
    (
        "bactrian-x",
        {"id": "t", "instruction": "A", "output": "B", "followups": [{"instruction": "C", "output": "D"}]},
        "t",
        ["A", "B", "C", "D"],
    ),
    ("alpaca", {"instruction": "A", "input": " ", "output": "C", "text": "ignored"}, "row-000001", ["A", "C"]),
    ("dolly", {"instruction": "A", "context": "B", "response": "C", "category": "x"}, "row-000001", ["A\n\nB", "C"]),
    ("aya", {"inputs": "A", "targets": "C", "language_code": "eng", "user_id": "x"}, "row-000001", ["A", "C"]),
    ("lima-x", {"conversations": ["A", "B", "C", "D"], "source": "x"}, "row-000001", ["A", "B", "C", "D"]),
    ("lima-x", {"conversations": [{"from": "human", "value": "A"}, {"from": "gpt", "value": "B"}]}, "row-000001",
     ["A", "B"]),
    ("lima-x", {"id": "l-3", "instruction": "A", "input": "", "output": "B"}, "l-3", ["A", "B"]),
    ("sharegpt", {"id": "s", "conversations": [{"from": "system", "value": ""}, {"from": "human", "value": "A"},
                                               {"from": "gpt", "value": "B"}]}, "s", ["A", "B"]),
    ("messages", {"prompt_id": "m", "messages": [{"role": "user", "content": "A"},
                                                 {"role": "assistant", "content": "B"}]}, "m", ["A", "B"]),
    ("messages", {"id": "p", "messages": [{"role": "user", "content": [{"type": "text", "text": "A "},
                                                                       {"type": "text", "text": "B", "url": None}]},
                                          {"role": "model", "content": [{"type": "output_text", "text": "C"}]}]},
     "p", ["A B", "C"]),
    ("messages", {"id": "q", "messages": [{"role": "user", "content": ["A", {"text": "B"}]},
                                          {"role": "assistant", "content": [{"type": "text", "text": "C"}]}]},
     "q", ["AB", "C"]),
    ("sharegpt", {"id": "r", "conversations": [{"from": "human", "value": [{"type": "text", "text": "A"}]},
                                               {"from": "chatgpt", "value": "B"}]}, "r", ["A", "B"]),
]  # fmt: skip


@pytest.mark.parametrize(("format", "record", "identifier", "turns"), ADAPTED)
def test_a_published_schema_becomes_the_normal_form(
    tmp_path: Path, format: str, record: dict[str, Any], identifier: str, turns: list[str]
) -> None:
    context = ingest_bytes(
        tmp_path / "job", {"DE": [("rows.jsonl", json_lines([record]))]}, format=format, licence="MIT"
    )
    roles = ["user", "assistant"] * (len(turns) // 2)
    assert rows_of(context, "rows/DE.jsonl") == [
        {
            "id": identifier,
            "language": "DE",
            "turns": [{"role": role, "content": text} for role, text in zip(roles, turns, strict=True)],
            "origin": "files:rows.jsonl:1",
            "licence": "MIT",
        }
    ]
    assert rows_of(context, "rejected.jsonl") == []


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.builds(
                bactrian,
                st.integers(0, 5),
                instruction=st.one_of(st.text(max_size=8), st.none(), st.integers()),
                output=st.one_of(st.text(max_size=8), st.none()),
            ),
            st.text(max_size=5),
            st.lists(st.integers(), max_size=2),
        ),
        max_size=12,
    )
)
def test_every_record_is_accepted_or_rejected_and_none_twice(
    tmp_path_factory: pytest.TempPathFactory, records: list[object]
) -> None:
    root = tmp_path_factory.mktemp("rows") / "job"
    data = "".join(json.dumps(record) + "\n" for record in [bactrian("good"), *records]).encode()
    context = ingest_bytes(root, {"EN": [("rows.jsonl", data)]})
    accepted, rejected = rows_of(context, "rows/EN.jsonl"), rows_of(context, "rejected.jsonl")
    lines = [int(row["origin"].rsplit(":", 1)[1]) for row in accepted] + [row["line"] for row in rejected]
    assert sorted(lines) == list(range(1, len(records) + 2))
    entry = card_of(context)["languages"]["EN"]
    assert (entry["records"], entry["accepted"], entry["rejected"]) == (len(lines), len(accepted), len(rejected))
    assert sum(entry["reasons"].values()) == len(rejected)


def test_text_is_carried_on_unchanged(tmp_path: Path) -> None:
    text = " \t" + unicodedata.normalize("NFD", "Ärger\u2028œuvre") + "\ufeff\u200b \r\n"
    context = ingest_bytes(tmp_path / "job", {"DE": [("r.jsonl", json_lines([bactrian(1, output=text)]))]})
    assert rows_of(context, "rows/DE.jsonl")[0]["turns"][1]["content"] == text


def test_ids_are_compared_as_nfc_and_the_twin_is_reported(tmp_path: Path) -> None:
    first, twin = "caf\u00e9", "cafe\u0301"
    data = json_lines([bactrian(1, id=first), bactrian(2, id=twin), bactrian(3, id=first)])
    context = ingest_bytes(tmp_path / "job", {"FR": [("r.jsonl", data)]})
    assert [row["id"] for row in rows_of(context, "rows/FR.jsonl")] == [first]
    assert [(row["id"], row["reason"]) for row in rows_of(context, "rejected.jsonl")] == [
        (twin, "twin-id"),
        (first, "duplicate-id"),
    ]


def test_an_id_seen_in_another_composition_in_another_language_is_the_same_id(tmp_path: Path) -> None:
    files = {
        "EN": [("e.jsonl", json_lines([bactrian(1, id="caf\u00e9")]))],
        "FR": [("f.jsonl", json_lines([bactrian(1, id="cafe\u0301")]))],
    }
    parallel = card_of(ingest_bytes(tmp_path / "job", files))["parallel"]
    assert (parallel["ids"], parallel["in_all"]) == (1, 1)


def test_rows_without_ids_are_numbered_by_position_so_that_languages_stay_parallel(tmp_path: Path) -> None:
    english = json_lines([{"conversations": ["a", "b"]}, {"conversations": ["c", ""]}, {"conversations": ["e", "f"]}])
    german = json_lines([{"conversations": [x, y]} for x, y in ("ab", "cd", "ef")])
    context = ingest_bytes(
        tmp_path / "job",
        {"EN": [("t.jsonl", english)], "DE": [("t.jsonl", german)]},
        format="lima-x",
        pair_by="position",
    )
    assert [row["id"] for row in rows_of(context, "rows/EN.jsonl")] == ["row-000001", "row-000003"]
    assert [row["id"] for row in rows_of(context, "rows/DE.jsonl")] == ["row-000001", "row-000002", "row-000003"]


def test_several_files_of_a_language_are_one_set_of_rows(tmp_path: Path) -> None:
    files = [
        ("train.jsonl", json_lines([bactrian(1), bactrian(2)])),
        ("val.jsonl", json_lines([bactrian(2), bactrian(3)])),
    ]
    context = ingest_bytes(tmp_path / "job", {"EN": files})
    assert [row["id"] for row in rows_of(context, "rows/EN.jsonl")] == ["a-1", "a-2", "a-3"]
    assert rows_of(context, "rejected.jsonl") == [
        {"language": "EN", "file": "val.jsonl", "line": 1, "id": "a-2", "reason": "duplicate-id"}
    ]


def test_a_question_loses_its_language_suffix_and_a_wrong_suffix_is_rejected(tmp_path: Path) -> None:
    rows = [
        {"question_id": "81_DE", "category": "writing", "turns": ["A", "B"]},
        {"question_id": 82, "category": "writing", "turns": ["A", "B"]},
        {"question_id": "83_FR", "category": "writing", "turns": ["A", "B"]},
        {"question_id": "81", "category": "writing", "turns": ["A", "B"]},
    ]
    context = ingest_bytes(
        tmp_path / "job", {"DE": [("question.jsonl", json_lines(rows))]}, what="questions", format="mt-bench"
    )
    assert rows_of(context, "questions/DE.jsonl") == [
        {"id": "81", "language": "DE", "category": "writing", "turns": ["A", "B"]},
        {"id": "82", "language": "DE", "category": "writing", "turns": ["A", "B"]},
    ]
    assert reasons_of(context) == [(3, "other-language"), (4, "duplicate-id")]


def test_references_are_read_from_both_published_shapes(tmp_path: Path) -> None:
    rows = [
        {"question_id": "101_DE", "choices": [{"index": 0, "turns": ["A", "B"]}]},
        {"question_id": "111_DE", "category": "math", "turns": ["?", "?"], "reference": ["C", ""]},
        {"question_id": "81_DE", "category": "writing", "turns": ["?", "?"], "reference": []},
        {"question_id": "82_DE", "category": "writing", "turns": ["?", "?"]},
    ]
    context = ingest_bytes(
        tmp_path / "job", {"DE": [("r.jsonl", json_lines(rows))]}, what="references", format="mt-bench"
    )
    assert [(row["id"], row["turns"]) for row in rows_of(context, "references/DE.jsonl")] == [
        ("101", ["A", "B"]),
        ("111", ["C", ""]),
    ]
    assert reasons_of(context) == [(3, "no-reference"), (4, "no-reference")]


def test_the_card_counts_repeats_lengths_and_what_each_language_lacks(tmp_path: Path) -> None:
    english = [bactrian(1), bactrian(2, instruction="Ask 1", output="Say 1"), bactrian(3), bactrian(4, input="With")]
    german = [bactrian(1), bactrian(3, output=""), bactrian(4)]
    files = {"EN": [("e.jsonl", json_lines(english))], "DE": [("d.jsonl", json_lines(german))]}
    card = card_of(ingest_bytes(tmp_path / "job", files, licence="CC-BY-4.0"))
    assert card["licence"] == "CC-BY-4.0"
    assert card["languages"]["EN"]["repeated_rows"] == {"count": 1, "ids": ["a-2"]}
    assert card["languages"]["EN"]["ambiguous_instructions"] == {"count": 0, "ids": []}
    assert card["languages"]["EN"]["with_input"] == 1
    assert card["languages"]["EN"]["characters"]["assistant"] == {"mean": 5, "median": 5, "p95": 5, "max": 5}
    assert card["languages"]["DE"]["reasons"] == {"empty-output": 1}
    assert card["parallel"] == {
        "ids": 4,
        "in_all": 2,
        "same_order": False,
        "absent": {"EN": {"count": 0, "ids": []}, "DE": {"count": 1, "ids": ["a-2"]}},
        "rejected": {"EN": {"count": 0, "ids": []}, "DE": {"count": 1, "ids": ["a-3"]}},
    }


def test_a_language_without_one_good_row_fails_with_the_reasons(tmp_path: Path) -> None:
    data = json_lines([{"question": 1}, {"question": 2}, bactrian(1, output="")])
    with pytest.raises(Permanent, match=r"^EN: none of 3 records was accepted: missing-field 2, empty-output 1\."):
        ingest_bytes(tmp_path / "job", {"EN": [("r.jsonl", data)]})


def test_a_format_that_is_not_one_of_the_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="format: got alpaca for questions; expected one of mt-bench"):
        ingest_bytes(tmp_path / "job", {"EN": [("r.jsonl", b"{}")]}, what="questions", format="alpaca")


def test_a_language_without_a_file_is_refused(tmp_path: Path) -> None:
    context = data_context(tmp_path / "job")
    files = {"EN": (context.offer("r.jsonl", json_lines([bactrian(1)])),)}
    params = IngestParams(what="dataset", languages=("EN", "DE"), source="files", format="bactrian-x", files=files)
    with pytest.raises(Permanent, match=r"files\.DE: got no file; expected at least one for each of EN DE"):
        ingest.run(staged(context, params))


def test_an_attempt_that_is_asked_to_stop_stops_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = data_context(tmp_path / "job")
    files = {"EN": (context.offer("r.jsonl", json_lines([bactrian(number) for number in range(4001)])),)}
    monkeypatch.setattr(context, "stopping", lambda: True)
    params = IngestParams(what="dataset", languages=("EN",), source="files", format="bactrian-x", files=files)
    with pytest.raises(Interrupted):
        ingest.run(staged(context, params))
    assert not (context.out / "card.json").exists()


@pytest.mark.parametrize(
    ("what", "builtin", "format", "fewest"),
    [
        ("dataset", "instructions", "bactrian-x", 300),
        ("questions", "verifiable", "mt-bench", 80),
        ("questions", "verifiable-dev", "mt-bench", 80),
        ("references", "verifiable", "mt-bench", 80),
    ],
)
def test_the_built_in_data_are_parallel_and_without_a_rejection(
    tmp_path: Path, what: Any, builtin: str, format: Any, fewest: int
) -> None:
    context = data_context(tmp_path / "job")
    params = IngestParams(what=what, languages=LANGUAGES, source="built-in", format=format, builtin=builtin)
    ingest.run(staged(context, params))
    card = card_of(context)
    assert all(entry["rejected"] == 0 for entry in card["languages"].values())
    assert card["parallel"]["ids"] == card["parallel"]["in_all"] >= fewest
    assert card["parallel"]["same_order"]


def test_equal_parameters_give_equal_bytes(tmp_path: Path) -> None:
    files = {"EN": [("e.jsonl", json_lines([bactrian(1), bactrian(1), bactrian(2)]))]}
    first, second = (ingest_bytes(tmp_path / name, files).out for name in ("one", "two"))
    for path in ("rows/EN.jsonl", "rejected.jsonl", "card.json"):
        assert (first / path).read_bytes() == (second / path).read_bytes()


def test_an_instruction_with_several_answers_is_counted_and_a_repeat_of_a_row_is_not(tmp_path: Path) -> None:
    asked = {"instruction": "Syntax"}
    rows = [
        bactrian(1, **asked),
        bactrian(2, **asked),
        bactrian(3, **asked, output="Say 1"),
        bactrian(4, input="Syntax"),
    ]
    entry = card_of(ingest_bytes(tmp_path / "job", {"EN": [("e.jsonl", json_lines(rows))]}))["languages"]["EN"]
    assert entry["ambiguous_instructions"] == {"count": 1, "ids": ["a-2"]}
    assert entry["repeated_rows"] == {"count": 1, "ids": ["a-3"]}
