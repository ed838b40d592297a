"""`polyglot judgments` on the command line: tables, JSON, and a line for each file that is none."""

import json
from pathlib import Path

import pytest

from tests.kit.desk import Desk

GAME = {"question_id": 81, "model_1": "one", "model_2": "two", "turn": 1, "judge": ["gpt-4", "pair-v2"]}
VOTE = {"question_id": 81, "model_a": "two", "model_b": "one", "turn": 1, "judge": "rater-1", "winner": "model_b"}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk.at(tmp_path, monkeypatch)
    (tmp_path / "jobs").mkdir()  # a package of the user's, which is no part of the program
    (tmp_path / "jobs" / "__init__.py").touch()
    games = [GAME | {"g1_winner": "model_1", "g2_winner": "model_1"}] * 2
    (tmp_path / "pair.jsonl").write_text("".join(json.dumps(row) + "\n" for row in games))
    (tmp_path / "-votes.json").write_text(json.dumps([VOTE]))
    return made


def test_tables_are_data_and_what_is_odd_is_talk(desk: Desk) -> None:
    said = desk.run("judgments", "--people", "rater*", "--", "pair.jsonl", "-votes.json")
    assert said.code == 0, said.err
    tables = [block.splitlines() for block in said.out.strip().split("\n\n")]
    assert [table[0].split("\t")[0] for table in tables] == [
        "pairs by",
        "order by",
        "strengths by",
        "first slot by",
        "agreement",
    ]
    header, *rows = (line.split("\t") for line in tables[0])
    assert {(row[0], row[1]): row[header.index("adjusted")] for row in rows} == {
        ("gpt-4", "one"): "100.00%", ("gpt-4", "two"): "0.00%", ("human", "one"): "100.00%", ("human", "two"): "0.00%",
    }  # fmt: skip
    assert [line.split("\t")[:5] for line in tables[4][1:]] == [
        ["gpt-4 with human", "1", "kept", "2", "2"],
        ["gpt-4 with human", "1", "left out", "2", "2"],
    ]
    strengths = [line.split("\t") for line in tables[2][1:3]]
    assert [(row[2], row[3].partition(" ")[0], row[5]) for row in strengths] == [
        ("one", "0.000", "a"),  # never lost: it stands for zero, and the other is somewhere below
        ("two", "below", "a"),
    ]
    assert "pair.jsonl: 2 pairs, 1 there twice, 0 failed" in said.err
    assert "pair.jsonl, line 2: there twice: gpt-4 81 1 one two 0: says the same as 1" in said.err


def test_json_has_all_of_it(desk: Desk) -> None:
    said = desk.run("judgments", "pair.jsonl", "-o", "json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["level"], found["orders"][0]["repeats"]) == (0.95, 1)
    assert [file["name"] for file in found["files"]] == ["pair.jsonl"]


def test_each_file_that_is_none_has_its_line(desk: Desk) -> None:
    (desk.root / "notes.txt").write_text("hello\n")
    said = desk.run("judgments", "notes.txt", "pair.jsonl", "nowhere.jsonl")
    assert (said.code, said.out) == (2, "")
    first, second = said.err.splitlines()
    assert first.startswith("notes.txt, line 1: ")
    assert first.endswith("expected model answers, single or pair judgments, votes, or AlpacaEval's annotations")
    assert second == "nowhere.jsonl: No such file or directory"
