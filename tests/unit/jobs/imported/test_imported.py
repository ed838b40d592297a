"""What is read from files of others: what fits the benchmark, what is a failure, and what is refused."""

from pathlib import Path

import pytest

from polyglot.core import records
from polyglot.core.errors import Faults, Permanent
from polyglot.kinds.answer import Answer, AnswerCard
from polyglot.kinds.imported import FROM_FILES, ImportRecord
from polyglot.kinds.judge import JudgeCard
from tests.kit.imports import Imports, Row, answer, rating


@pytest.fixture
def desk(tmp_path: Path) -> Imports:
    return Imports(tmp_path)


def test_answers_are_those_to_the_benchmarks_questions(desk: Imports, caplog: pytest.LogCaptureFixture) -> None:
    rows = [
        answer(81, "first", "second"),
        answer(81, "newer", "second"),
        answer(82, "alone", "$ERROR$"),
        answer(83, "$ERROR$", "$ERROR$"),
        answer(160, "of", "another"),
        answer(81, "x", "y", model="two"),
    ]
    folder = desk.read("answers", *rows, model="one")
    found = list(records.read_lines(folder / "answers" / "EN.jsonl", Answer))
    said = [(row.id, [turn.text for turn in row.turns], row.error) for row in found]
    assert said == [
        ("81", ["newer", "second"], None),
        ("82", ["alone"], "no-answer"),
        ("83", [], "no-answer"),
        ("84", [], "not-in-file"),
    ]
    assert {turn.finish for row in found for turn in row.turns} == {"read"}
    card = records.read(folder / "card.json", AnswerCard)
    assert (card.endpoint, card.model, card.languages["EN"].failed, card.languages["EN"].cut) == (
        FROM_FILES,
        "one",
        3,
        0,
    )
    file = records.read(folder / "import.json", ImportRecord).files["EN"]
    assert (file.rows, file.repeats, file.failures, file.missing, file.unused) == (5, 1, 1, 1, 1)
    assert "file.jsonl, line 2: there twice: 81 one: contradicts 1" in caplog.text
    assert "file.jsonl, line 4: no answer: 83 one" in caplog.text


def test_samples_are_told_apart(desk: Imports) -> None:
    twice = [{"index": 1, "turns": ["c", "d"]}, {"index": 0, "turns": ["a", "b"]}]
    folder = desk.read("answers", answer(81) | {"choices": twice})
    found = list(records.read_lines(folder / "answers" / "EN.jsonl", Answer))
    assert [(row.sample, row.turns[0].text) for row in found if row.id == "81"] == [(0, "a"), (1, "c")]
    rows = [rating(81, 1, 5), rating(81, 1, 9) | {"choice": 1}]
    scores = {(row.sample, row.turn): row.score for row in desk.verdicts(*rows) if row.id == "81"}
    assert scores == {(0, 1): 5, (0, 2): None, (1, 1): 9, (1, 2): None}


def test_failures_are_failures_and_never_scores(desk: Imports) -> None:
    desk.read("answers", answer(81, "a", "b"), answer(82, "a", "b"), answer(83, "a", "$ERROR$"))
    rows = [
        rating(81, 1, 7), rating(81, 2, -1), rating(82, 1, 11), rating(82, 2, None), rating(83, 1, 7.5),
        rating(83, 2, 1), rating(99, 1, 3), rating(81, 1, 2, model="two", judge="other"),
    ]  # fmt: skip
    found = desk.verdicts(*rows, model="one")
    assert [(row.id, row.turn, row.score, row.reason) for row in found] == [
        ("81", 1, 7.0, None),
        ("81", 2, None, "no-verdict"),
        ("82", 1, None, "out-of-range"),
        ("82", 2, None, "no-verdict"),
        ("83", 1, 7.5, None),
        ("83", 2, None, "no-answer"),
        ("84", 1, None, "no-answer"),
        ("84", 2, None, "no-answer"),
    ]
    assert (found[0].prompt, found[0].text, found[0].category) == ("single-v1", "[[7]]", "math")
    folder = desk.root / "verdicts" / "out"
    card = records.read(folder / "card.json", JudgeCard)
    assert (card.endpoint, card.model, card.languages["EN"].failed) == (FROM_FILES, "gpt-4", 6)
    record = records.read(folder / "import.json", ImportRecord)
    assert (record.judge, record.files["EN"].failures, record.files["EN"].unused) == ("gpt-4", 2, 1)


@pytest.mark.parametrize(
    ("rows", "model", "said"),
    [
        ([answer(81, "a", "b", "c")], "", "question 81: got 3 turns, expected 2"),
        ([answer(1, "a", "b")], "", "nothing on any question of the benchmark, of 1 rows"),
        ([answer(81, "a"), answer(81, "a", model="two")], "", "got 2 models, one, two; expected one"),
        ([answer(81, "a")], "two", "nothing of the model two; it has one"),
        ([rating(81, 1, 3)], "", "got single, expected answers"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(desk: Imports, rows: list[Row], model: str, said: str) -> None:
    with pytest.raises(Permanent, match=said):
        desk.read("answers", *rows, model=model)


def test_ratings_by_two_judges_are_refused(desk: Imports) -> None:
    desk.read("answers", answer(81, "a", "b"))
    with pytest.raises(Permanent, match="by gpt-4, gpt-4o; expected one judge"):
        desk.verdicts(rating(81, 1, 3), rating(81, 2, 3, judge="gpt-4o"))


def test_each_fault_is_told(desk: Imports) -> None:
    with pytest.raises(Faults, match=r"2 problems: file\.jsonl, line 1: .*\nfile\.jsonl, line 3: "):
        desk.read("answers", answer(81) | {"model_id": 1}, answer(82), {"model_id": "x"})
