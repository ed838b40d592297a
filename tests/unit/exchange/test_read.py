"""Files of the field: every form is read, every fault is named with its line, repeats and failures are no faults."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from polyglot.core.errors import Faults, Permanent
from polyglot.exchange.read import read_as, read_file
from polyglot.exchange.rows import ModelAnswer, PairJudgment, SingleJudgment

SINGLE = {
    "question_id": 81,
    "model": "one",
    "judge": ["gpt-4", "single-v1"],
    "user_prompt": "?",
    "judgment": "Rating: [[7]]",
    "score": 7,
    "turn": 1,
    "tstamp": 1.5,
}
PAIR = {
    "question_id": 81,
    "model_1": "one",
    "model_2": "two",
    "g1_winner": "model_1",
    "g2_winner": "model_1",
    "judge": ["gpt-4", "pair-v2"],
    "g1_user_prompt": "",
    "g1_judgment": "[[A]]",
    "g2_user_prompt": "",
    "g2_judgment": "[[B]]",
    "turn": 1,
    "tstamp": 1.5,
}
ANSWER = {
    "question_id": 81,
    "answer_id": "x",
    "model_id": "one",
    "choices": [{"index": 0, "turns": ["a", "b"]}],
    "tstamp": 1.5,
}
VOTE = {"judge": "expert_1", "model_a": "one", "model_b": "two", "question_id": 81, "turn": 1, "winner": "tie"}
ANNOTATION = {
    "instruction": "Say it.",
    "output_1": "a",
    "output_2": "b",
    "generator_1": "one",
    "generator_2": "two",
    "annotator": "judge",
    "preference": 1.5,
}


def written(folder: Path, *rows: dict[str, Any] | str, name: str = "file.jsonl") -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / name


def read(folder: Path, *rows: dict[str, Any] | str) -> Any:
    return read_file(written(folder, *rows), "file.jsonl")


@pytest.mark.parametrize(
    ("row", "form"),
    [
        (SINGLE, "single"),
        (PAIR, "pairs"),
        (ANSWER, "answers"),
        (VOTE, "votes"),
        ({**VOTE, "judge": ["gpt-4", "pair-v2"]}, "votes"),
        (ANNOTATION, "annotations"),
    ],
)
def test_the_form_is_told_by_the_keys(tmp_path: Path, row: dict[str, Any], form: str) -> None:
    found = read(tmp_path, row)
    assert (found.form, len(found.rows), found.repeats, found.failures) == (form, 1, (), ())


def test_an_array_and_a_gzipped_file_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "votes.json").write_text(json.dumps([VOTE, {**VOTE, "turn": 2}]), encoding="utf-8")
    array = read_file(tmp_path / "votes.json", "votes.json")
    (tmp_path / "votes.jsonl.gz").write_bytes(gzip.compress((json.dumps(VOTE) + "\n").encode()))
    assert [one.row.turn for one in array.rows] == [1, 2]  # type: ignore[attr-defined]
    assert read_file(tmp_path / "votes.jsonl.gz", "votes.jsonl.gz").rows[0].row == array.rows[0].row


def test_texts_may_hold_line_separators(tmp_path: Path) -> None:
    found = read(tmp_path, {**SINGLE, "judgment": "a\u2028b"})
    assert found.rows[0].row.judgment == "a\u2028b"


def test_every_fault_has_its_line(tmp_path: Path) -> None:
    broken = '{"question_id": 81, "model": "x", "model": "y"}'
    rows = (SINGLE, {**SINGLE, "turn": "1"}, "", "{", {**SINGLE, "turn": -1}, broken, {**SINGLE, "score": -3})
    with pytest.raises(Faults) as error:
        read(tmp_path, *rows)
    lines = error.value.lines
    assert [line.split(":")[0] for line in lines] == [f"file.jsonl, line {number}" for number in (2, 4, 5, 6, 7)]
    for line, said in zip(lines, ("`int`", "", "turn: got -1", "a key is repeated", "score: got -3"), strict=True):
        assert said in line


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**PAIR, "g1_winner": "A"}, "Invalid enum value 'A'"),
        ({**PAIR, "model_2": "one"}, "one is compared with itself"),
        ({**VOTE, "winner": "one"}, "winner: got 'one', expected model_a, model_b, tie or error"),
        ({**ANNOTATION, "preference": 3}, "preference: got 3, expected 1 to 2, or null"),
        ({**ANSWER, "choices": ANSWER["choices"] * 2}, "two choices have one index"),  # type: ignore[operator]
        ({"a": 1}, "got the keys a; expected model answers"),
        ("[1]x", "no JSON"),
        ("3", "not a JSON object"),
    ],
)
def test_what_is_no_such_row_is_refused(tmp_path: Path, row: dict[str, Any] | str, said: str) -> None:
    with pytest.raises(Permanent, match=r"^file\.jsonl, line 1: ") as error:
        read(tmp_path, row)
    assert said in str(error.value)


def test_an_empty_file_is_none(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="empty; expected model answers"):
        read(tmp_path, "")


def test_half_a_gzip_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "half.jsonl.gz").write_bytes(gzip.compress(json.dumps(VOTE).encode())[:-9])
    with pytest.raises(Permanent, match="no whole gzip file"):
        read_file(tmp_path / "half.jsonl.gz", "half.jsonl.gz")


def test_another_form_is_refused_where_one_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="got votes, expected single"):
        read_as(written(tmp_path, VOTE), "file.jsonl", SingleJudgment, "single")


def test_repeats_are_named_and_kept(tmp_path: Path) -> None:
    found = read(tmp_path, SINGLE, {**SINGLE, "tstamp": 9.0}, {**SINGLE, "turn": 2}, {**SINGLE, "score": 3})
    assert [(one.at, one.first, one.equal) for one in found.repeats] == [(2, 1, True), (4, 1, False)]
    assert len(found.rows) == 4
    assert list(found.told()) == [
        "file.jsonl, line 2: there twice: gpt-4 81 1 one 0: says the same as 1",
        "file.jsonl, line 4: there twice: gpt-4 81 1 one 0: contradicts 1",
    ]


def test_a_pair_the_other_way_round_is_a_repeat(tmp_path: Path) -> None:
    turned = {**PAIR, "model_1": "two", "model_2": "one"}
    same = {**turned, "g1_winner": "model_2", "g2_winner": "model_2"}
    found = read(tmp_path, PAIR, turned, same, {**PAIR, "turn": 2}).repeats
    assert [(one.at, one.equal) for one in found] == [(2, False), (3, True)]
    vote, back = {**VOTE, "winner": "model_a"}, {**VOTE, "model_a": "two", "model_b": "one", "winner": "model_b"}
    assert [one.equal for one in read(tmp_path, vote, back).repeats] == [True]


def test_failures_are_failures(tmp_path: Path) -> None:
    single = read(tmp_path, SINGLE, {**SINGLE, "turn": 2, "score": -1}, {**SINGLE, "model": "two", "score": None})
    assert [one.at for one in single.failures] == [2, 3]
    pair = read(tmp_path, PAIR, {**PAIR, "turn": 2, "g2_winner": "error"}).failures
    assert [one.row.failure for one in pair] == ["no verdict in g2"]
    answer = {**ANSWER, "choices": [{"index": 0, "turns": ["$ERROR$", "$ERROR$"]}]}
    assert [one.row.failure for one in read(tmp_path, answer).failures] == ["no answer"]


@pytest.mark.parametrize(
    ("g1", "g2", "winner", "inconsistent"),
    [
        ("model_1", "model_1", "model_1", False),
        ("model_1", "model_2", "tie", True),
        ("tie", "model_2", "tie", True),
        ("tie", "tie", "tie", False),
        ("error", "model_2", "error", False),
    ],
)
def test_orders_that_contradict_each_other_are_a_tie(
    tmp_path: Path, g1: str, g2: str, winner: str, inconsistent: bool
) -> None:
    found = read_as(written(tmp_path, {**PAIR, "g1_winner": g1, "g2_winner": g2}), "f", PairJudgment, "pairs")
    row = found.rows[0].row
    assert (row.winner, row.inconsistent) == (winner, inconsistent)


def test_places_of_a_row_of_two_orders_become_models(tmp_path: Path) -> None:
    row = {"question_id": 1, "model_a": "x", "model_b": "y", "judge_id": "j", "winner_ab": "A", "winner_ba": "A"}
    pair = read(tmp_path, row).rows[0].row
    assert (pair.g1_winner, pair.g2_winner, pair.turn, pair.winner) == ("model_1", "model_2", 0, "tie")


def test_a_row_of_two_turns_is_two_judgments(tmp_path: Path) -> None:
    row = {"question_id": 1, "model_id": "x", "judge_id": "j", "score_turn1": 8.0, "score_turn2": -1}
    found = read(tmp_path, row)
    assert [(one.at, one.row.turn, one.row.score) for one in found.rows] == [(1, 1, 8.0), (1, 2, -1.0)]
    assert len(found.failures) == 1


def test_an_answer_is_read_as_it_stands(tmp_path: Path) -> None:
    row = read_as(written(tmp_path, {**ANSWER, "question_id": "x7"}), "f", ModelAnswer, "answers").rows[0].row
    assert (row.question_id, row.choices[0].turns) == ("x7", ("a", "b"))
