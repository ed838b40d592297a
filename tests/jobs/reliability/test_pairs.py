"""Pairs in the card of the judges: order, strengths, and pairs that others judged."""

import json
from pathlib import Path
from typing import Any

import pytest

from polyglot.kinds.reliability import CellPair
from tests.kit import judge_rows, judge_stage
from tests.kit import judge_server as js
from tests.kit.folder_input import FolderInput
from tests.kit.reliability import PAIR, QUESTIONS, Script, answers, card, inputs_of, judged, says


class TestPairs:
    def test_a_judge_that_always_says_a_is_told_as_one(self, tmp_path: Path) -> None:
        one, two = answers(), answers("other")
        inputs = inputs_of(tmp_path, says("[[5]]"), one, two)
        inputs["comparisons:p"] = judged(tmp_path / "p", says("[[A]]"), two, against=one)
        found = card(tmp_path, inputs, pairs=(PAIR,))
        (row,) = found["judges"][0]["pairs"]
        assert (row["inconsistent"]["value"], row["first_slot"]["value"], row["ties"]["value"]) == (1.0, 1.0, 0.0)
        assert (row["planned"], row["parsed"], row["inconsistent"]["of"]) == (32, 32, 16)
        assert row["inconsistent"]["low"] < 0.8  # eight questions
        (result,) = found["results"]
        assert (result["wins"]["value"], result["ties"]["value"], result["losses"]["value"]) == (0, 1, 0)
        assert (result["rate"]["value"], result["inconsistent"]["value"]) == (0.5, 1.0)

    def test_the_winner_is_named_in_the_order_of_the_cells_whichever_stood_first(self, tmp_path: Path) -> None:
        one, two = answers(), answers("other")

        def better(call: js.Call) -> js.Step:
            a = call.user.split("[B]")[0] if "[B]" in call.user else call.user.split("<B>")[0]
            return js.reply("[[A]]" if "other" in a else "[[B]]")

        inputs = inputs_of(tmp_path, says("[[5]]"), one, two)
        inputs["comparisons:p"] = judged(tmp_path / "p", better, two, against=one)
        (result,) = card(tmp_path, inputs, pairs=(PAIR,))["results"]
        assert (result["first"][2], result["second"][2]) == ("EN", "DE")
        assert (result["wins"]["value"], result["losses"]["value"], result["rate"]["value"]) == (0.0, 1.0, 0.0)
        header, line = (tmp_path / "out" / "pairs.csv").read_text().splitlines()
        flat = dict(zip(header.split(","), line.split(","), strict=True))
        assert (flat["first"], flat["second"], flat["rate"], flat["scored"]) == ("EN", "DE", "0.0", "16")

    def test_unscored_pairs_bound_the_rate(self, tmp_path: Path) -> None:
        one, two = answers(), answers("other")

        def some(call: js.Call) -> js.Step:
            return js.reply("no idea" if "DE 1 first?" in call.user or "DE 2 first?" in call.user else "[[C]]")

        inputs = inputs_of(tmp_path, says("[[5]]"), one, two)
        inputs["comparisons:p"] = judged(tmp_path / "p", some, two, against=one)
        found = card(tmp_path, inputs, pairs=(PAIR,))
        (result,) = found["results"]
        assert (result["unscored"], result["rate"]["of"], result["rate"]["value"]) == (4, 12, 0.5)
        assert (result["rate_at_least"], result["rate_at_most"]) == (6 / 16, 10 / 16)
        assert found["judges"][0]["pairs"][0]["reasons"] == {"no-verdict": 8}

    def test_longer_answers_that_always_win(self, tmp_path: Path) -> None:
        one = answers("short")
        two = [row | {"turns": [judge_rows.spoken(turn["text"] * 4) for turn in row["turns"]]} for row in one]

        def longer(call: js.Call) -> js.Step:
            a, _, b = call.user.partition("[B]" if "[B]" in call.user else "<B>")
            return js.reply("[[A]]" if a.count("short") > b.count("short") else "[[B]]")

        inputs = inputs_of(tmp_path, says("[[5]]"), one, two)
        inputs["comparisons:p"] = judged(tmp_path / "p", longer, two, against=one)
        (row,) = card(tmp_path, inputs, pairs=(PAIR,))["judges"][0]["pairs"]
        assert (row["longer_won"]["value"], row["first_slot"]["value"]) == (1.0, 0.5)


class TestStrengths:
    """Of arms that met in pairs; who wins is by the question and the answer."""

    def table(self, tmp_path: Path, script: Script) -> Any:
        one, two = answers(), answers("other")
        inputs = inputs_of(tmp_path, says("[[5]]"), one, two)
        inputs["comparisons:p"] = judged(tmp_path / "p", script, two, against=one)
        (table,) = card(tmp_path, inputs, pairs=(PAIR,))["strengths"]
        return table

    def test_the_stronger_stands_first_and_scores_say_otherwise(self, tmp_path: Path) -> None:
        def mostly(call: js.Call) -> js.Step:
            a = call.user.split("[B]")[0] if "[B]" in call.user else call.user.split("<B>")[0]
            rare = any(f"DE {number} first?" in call.user for number in (1, 2))
            return js.reply("[[A]]" if ("other" in a) != rare else "[[B]]")

        table = self.table(tmp_path, mostly)
        assert [(row["arm"][2], row["letters"], row["score"]) for row in table["arms"]] == [
            ("DE", "a", 4.0),
            ("EN", "a", 5.0),
        ]
        (gap,) = table["gaps"]
        assert gap["gap"]["value"] == pytest.approx(1.0986, abs=1e-4)  # 3 of 4 questions
        assert (gap["apart"], gap["score_difference"]) == (False, -1.0)
        assert (table["first_slot"]["value"], table["scores"]["tau"]) == (pytest.approx(0.0, abs=1e-4), -1.0)
        lines = (tmp_path / "out" / "strengths.csv").read_text().splitlines()
        assert [line.split(",")[0] for line in lines] == ["table", "arm", "arm", "gap"]

    def test_one_that_never_lost_has_a_lower_limit_and_no_number(self, tmp_path: Path) -> None:
        def better(call: js.Call) -> js.Step:
            a = call.user.split("[B]")[0] if "[B]" in call.user else call.user.split("<B>")[0]
            return js.reply("[[A]]" if "other" in a else "[[B]]")

        table = self.table(tmp_path, better)
        (gap,) = table["gaps"]
        assert (gap["gap"]["value"], gap["gap"]["high"]) == (None, None)
        assert 0 < gap["gap"]["low"] < 3
        assert [row["letters"] for row in table["arms"]] == ["a", "b"]

    def test_nothing_is_ranked_of_which_too_much_has_no_verdict(self, tmp_path: Path) -> None:
        def some(call: js.Call) -> js.Step:
            a = call.user.split("[B]")[0] if "[B]" in call.user else call.user.split("<B>")[0]
            silent = "DE 1 first?" in call.user
            return js.reply("no idea" if silent else "[[A]]" if "other" in a else "[[B]]")

        table = self.table(tmp_path, some)
        assert [(row["letters"], row["unranked"], row["unscored"], row["items"]) for row in table["arms"]] == [
            ("", "failures", 2, 16)
        ] * 2


class TestPairsOfOthers:
    """Verdicts on pairs that were read from files: the first one's cell is against the order of the cells."""

    def imported(self, root: Path, said: list[tuple[str | None, list[str | None]]]) -> FolderInput:
        rows = [
            {
                "id": QUESTIONS[at]["id"],
                "language": "DE",
                "category": "math",
                "sample": 0,
                "turn": 1,
                "outcome": outcome,
                "reason": None if outcome else "no-verdict",
                "orders": [{"said": slot, "reason": None if slot else "no-verdict"} for slot in slots],
            }
            for at, (outcome, slots) in enumerate(said)
        ]
        judge_stage.write_rows(root / "comparisons" / "DE.jsonl", rows)
        card = {"endpoint": "files", "model": "gpt-4", "served_by": [], "languages": {}}
        (root / "card.json").write_text(json.dumps(card))
        return FolderInput(root)

    def test_they_are_another_judges_and_in_no_figure_of_the_studys(self, tmp_path: Path) -> None:
        one, two = answers(), answers("other")
        inputs = inputs_of(tmp_path, says("[[5]]"), one, two)
        inputs["comparisons:p"] = judged(tmp_path / "p", says("[[A]]"), two, against=one)
        said: list[tuple[str | None, list[str | None]]] = [("first", ["A", "B"])] * 3 + [("tie", ["A", "A"])]
        inputs["imported:q"] = self.imported(tmp_path / "q", [*said, (None, [None, "A"])])
        theirs = CellPair(name="q", first=PAIR.first, second=PAIR.second)
        alone = card(tmp_path, inputs, pairs=(PAIR,))
        (tmp_path / "out").rename(tmp_path / "alone")
        beside = card(tmp_path, inputs, pairs=(PAIR,), imported_pairs=(theirs,))
        assert beside["judges"][:-1] == alone["judges"]
        assert beside["results"][:-1] == alone["results"]
        result, judge = beside["results"][-1], beside["judges"][-1]
        assert (result["judge"], result["first"][2], result["unscored"]) == ("gpt-4", "EN", 1)
        assert (result["losses"]["value"], result["ties"]["value"], result["inconsistent"]["value"]) == (
            0.75,
            0.25,
            0.25,
        )
        assert (judge["model"], judge["endpoint"], judge["singles"]) == ("gpt-4", "files", [])
        (row,) = judge["pairs"]
        assert (row["planned"], row["parsed"], row["reasons"]) == (10, 9, {"no-verdict": 1})

    def test_one_preference_is_a_result_without_an_order(self, tmp_path: Path) -> None:
        inputs = inputs_of(tmp_path, says("[[5]]"), answers(), answers("other"))
        said: list[tuple[str | None, list[str | None]]] = [("first", []), ("second", []), ("second", []), ("tie", [])]
        inputs["imported:q"] = self.imported(tmp_path / "q", [*said, (None, [])])
        theirs = CellPair(name="q", first=PAIR.first, second=PAIR.second)
        found = card(tmp_path, inputs, imported_pairs=(theirs,))
        (result,) = found["results"]
        assert (result["wins"]["value"], result["losses"]["value"], result["ties"]["value"]) == (0.5, 0.25, 0.25)
        assert (result["inconsistent"]["value"], result["unscored"]) == (None, 1)
        assert found["judges"][-1]["pairs"] == []
