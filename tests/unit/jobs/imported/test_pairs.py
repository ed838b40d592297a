"""Comparisons of others: who won in which order, what failed, what is there twice, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from polyglot.core import records
from polyglot.core.errors import Permanent
from polyglot.kinds.compare import CompareCard, PairVerdict
from polyglot.kinds.imported import FROM_FILES, ImportRecord
from tests.kit.imports import Imports, Row, answer


def pair(question: int, turn: int, g1: str, g2: str, models: tuple[str, str] = ("one", "two"), **more: Any) -> Row:
    named = {"question_id": question, "model_1": models[0], "model_2": models[1], "turn": turn}
    return named | {"g1_winner": g1, "g2_winner": g2, "judge": ["gpt-4", "pair-v2"], "g1_judgment": "[[A]]", **more}


def annotation(instruction: str, outputs: tuple[str, str], preference: float | None, **more: Any) -> Row:
    named = {"generator_1": "one", "generator_2": "two", "annotator": "weighted"}
    return {"instruction": instruction, "output_1": outputs[0], "output_2": outputs[1], "preference": preference} | (
        named | more
    )


@pytest.fixture
def desk(tmp_path: Path) -> Imports:
    """Two models' answers; the second one has none to the second turn of question 84."""
    made = Imports(tmp_path)
    for role, model in (("first", "one"), ("second", "two")):
        whole = [answer(question, f"{model} a", f"{model} bb", model=model) for question in (81, 82, 83)]
        last = answer(84, f"{model} a", "bb" if model == "one" else "$ERROR$", model=model)
        made.read("answers", *whole, last, role=role)
    return made


def read(desk: Imports, *rows: Row, **more: Any) -> dict[tuple[str, int], PairVerdict]:
    folder = desk.read("pairs", *rows, **more)
    return {(row.id, row.turn): row for row in records.read_lines(folder / "comparisons" / "EN.jsonl", PairVerdict)}


def record(desk: Imports) -> ImportRecord:
    return records.read(desk.root / "pairs" / "out" / "import.json", ImportRecord)


def said(row: PairVerdict) -> tuple[Any, ...]:
    return row.outcome, row.consistent, row.reason, [order.said for order in row.orders]


def test_winners_are_slots_of_each_order_whichever_model_a_row_names_first(desk: Imports) -> None:
    found = read(
        desk,
        pair(81, 1, "model_1", "model_1"),
        pair(81, 2, "model_1", "model_2"),
        pair(82, 1, "model_1", "model_1", ("two", "one")),
        pair(82, 2, "tie", "tie", ("two", "one")),
        pair(83, 1, "tie", "model_2"),
    )
    assert said(found["81", 1]) == ("first", True, None, ["A", "B"])
    assert said(found["81", 2]) == ("tie", False, None, ["A", "A"])
    assert said(found["82", 1]) == ("second", True, None, ["B", "A"])
    assert said(found["82", 2]) == ("tie", True, None, ["tie", "tie"])
    assert said(found["83", 1]) == ("tie", False, None, ["tie", "A"])
    one, turned = found["81", 1], found["82", 1]
    assert ([order.text for order in one.orders], [order.text for order in turned.orders]) == (
        ["[[A]]", ""],
        ["", "[[A]]"],
    )
    assert (one.prompt, one.category, one.characters) == ("pair-v2", "math", (5, 5))
    card = records.read(desk.root / "pairs" / "out" / "card.json", CompareCard)
    counts = card.languages["EN"]
    assert (card.endpoint, card.model, counts.inconsistent) == (FROM_FILES, "gpt-4", 2)
    assert (counts.first, counts.second, counts.tie, counts.failed) == (1, 1, 3, 3)


def test_failures_are_failures_and_no_ties(desk: Imports) -> None:
    found = read(desk, pair(81, 1, "error", "model_1"), pair(84, 1, "tie", "tie"), pair(84, 2, "tie", "tie"))
    assert said(found["81", 1]) == (None, None, "no-verdict", [None, "B"])
    assert said(found["81", 2]) == (None, None, "not-in-file", [None, None])
    assert said(found["84", 1]) == ("tie", True, None, ["tie", "tie"])
    assert said(found["84", 2]) == (None, None, "no-answer", [])
    file = record(desk).files["EN"]
    assert (file.model, file.rows, file.failures, file.missing, file.unused) == ("one and two", 3, 1, 5, 0)


def test_what_is_there_twice_or_of_no_use_is_named(desk: Imports, caplog: pytest.LogCaptureFixture) -> None:
    found = read(
        desk,
        pair(81, 1, "model_1", "model_1"),
        pair(81, 1, "model_1", "model_1", ("two", "one")),
        pair(99, 1, "tie", "tie"),
        pair(82, 3, "tie", "tie"),
        pair(81, 2, "tie", "tie", ("one", "three"), judge="another"),
    )
    assert found["81", 1].outcome == "second", "the last one counts"
    file = record(desk).files["EN"]
    assert (file.rows, file.repeats, file.unused, record(desk).judge) == (4, 1, 2, "gpt-4")
    told = [line for line in caplog.text.splitlines() if "file.jsonl" in line]
    assert ["contradicts 1" in told[0], "no question 99" in told[1], "82 has no turn 3" in told[2]] == [True] * 3


def test_a_row_of_a_conversation_is_turn_0(desk: Imports) -> None:
    row = {"question_id": 81, "model_a": "two", "model_b": "one", "judge_id": "j", "winner_ab": "A", "winner_ba": "B"}
    found = read(desk, row)
    assert list(found) == [("81", 0), ("82", 0), ("83", 0), ("84", 0)]
    assert said(found["81", 0]) == ("second", True, None, ["B", "A"])
    assert found["81", 0].characters == (11, 11)
    assert found["84", 0].reason == "no-answer"


def test_samples_are_told_apart(tmp_path: Path) -> None:
    desk = Imports(tmp_path)
    for role in ("first", "second"):
        twice = [{"index": index, "turns": [f"{role}{index}", "b"]} for index in (0, 1)]
        desk.read("answers", answer(81, model=role) | {"choices": twice}, role=role)
    folder = desk.read("pairs", pair(81, 1, "model_2", "model_2", ("first", "second"), choice=1))
    rows = records.read_lines(folder / "comparisons" / "EN.jsonl", PairVerdict)
    assert [(row.sample, row.outcome) for row in rows if (row.id, row.turn) == ("81", 1)] == [(0, None), (1, "second")]


class TestAnnotations:
    def test_a_preference_has_an_outcome_and_no_order(self, desk: Imports) -> None:
        found = read(
            desk,
            annotation("a?\n\nb?", ("one bb", "two bb"), 1.8),
            annotation("a?", ("two a", "one a"), 1, generator_1="two", generator_2="one"),
        )
        assert said(found["81", 2]) == ("second", None, None, [])
        assert said(found["81", 1]) == ("second", None, None, [])
        assert (found["81", 1].characters, record(desk).judge) == ((5, 5), "weighted")

    @pytest.mark.parametrize(
        ("preference", "outcome", "reason"),
        [(0, "tie", None), (1.5, "tie", None), (1.49, "first", None), (None, None, "no-verdict")],
    )
    def test_weighted_preferences(
        self, desk: Imports, preference: float | None, outcome: str | None, reason: str | None
    ) -> None:
        row = read(desk, annotation("a?", ("one a", "two a"), preference))["81", 1]
        assert (row.outcome, row.reason) == (outcome, reason)

    def test_other_outputs_are_not_these_answers(self, desk: Imports, caplog: pytest.LogCaptureFixture) -> None:
        found = read(
            desk,
            annotation("a?", ("one a", "two a"), 1),
            annotation("a?", ("one a", "two x"), 1),
            annotation("z?", ("one a", "two a"), 1),
        )
        assert sum(row.outcome is not None for row in found.values()) == 1
        assert record(desk).files["EN"].unused == 2
        assert "file.jsonl, 2: question 81: other outputs than the answers that were read" in caplog.text
        assert "file.jsonl, 3: no such question in the benchmark: z?" in caplog.text


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([pair(81, 1, "tie", "tie", ("one", "three"))], "nothing on one and two; it has one and three"),
        ([pair(1, 1, "tie", "tie")], "nothing on any question of the benchmark, of 1 rows"),
        ([pair(81, 1, "tie", "tie"), pair(81, 2, "tie", "tie", judge="gpt-4o")], "one and two by gpt-4, gpt-4o"),
        (
            [{"judge": "x", "model_a": "one", "model_b": "two", "question_id": 81, "turn": 1, "winner": "tie"}],
            "got votes, expected pair judgments or AlpacaEval's annotations. Votes of people",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused(desk: Imports, rows: list[Row], said: str) -> None:
    with pytest.raises(Permanent, match=said):
        read(desk, *rows)
