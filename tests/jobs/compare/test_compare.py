"""The compare job from files to files, against the built-in judge and a scripted endpoint."""

import json
from pathlib import Path
from typing import Any

import pytest

from polyglot.core.canonical import sha256_file
from polyglot.core.errors import Permanent
from polyglot.kinds.compare import CompareParams
from tests.kit import judge_rows, judge_stage
from tests.kit import judge_server as js
from tests.kit.judge_small import pairs, run


def comparisons(root: Path, language: str = "DE") -> list[dict[str, Any]]:
    lines = (root / "out" / "comparisons" / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def always(text: str) -> js.ScriptedJudge:
    return js.ScriptedJudge(lambda call: js.reply(text))


def prefers(marker: str) -> js.ScriptedJudge:
    """A judge who knows an answer by its text, wherever it stands."""

    def script(call: js.Call) -> js.Step:
        a = call.user.split("[B]")[0] if "[B]" in call.user else call.user.split("<B>")[0]
        return js.reply("[[A]]" if marker in a else "[[B]]")

    return js.ScriptedJudge(script)


class TestOrders:
    def test_each_pair_is_asked_once_in_each_order_and_a_winner_wins_in_both(self, tmp_path: Path) -> None:
        with prefers("other answer") as server:
            context = run(pairs(tmp_path, server.base_url, count=3))
        assert len(server.calls) == 3 * 2 * 2
        found = comparisons(tmp_path)
        assert [(row["id"], row["turn"]) for row in found] == [(str(n), t) for n in (1, 2, 3) for t in (1, 2)]
        assert {(row["outcome"], row["consistent"]) for row in found} == {("second", True)}
        assert {tuple(order["said"] for order in row["orders"]) for row in found} == {("B", "A")}
        assert context.metrics == {"verdicts": 6, "failed": 0, "inconsistent": 0}

    def test_a_judge_that_always_says_a_makes_ties_that_are_all_inconsistent(self, tmp_path: Path) -> None:
        with always("[[A]]") as server:
            context = run(pairs(tmp_path, server.base_url))
        assert {(row["outcome"], row["consistent"]) for row in comparisons(tmp_path)} == {("tie", False)}
        assert context.metrics["inconsistent"] == 8
        card = json.loads((tmp_path / "out" / "card.json").read_text())["languages"]["DE"]
        assert (card["tie"], card["inconsistent"], card["first"], card["second"]) == (8, 8, 0, 0)

    @pytest.mark.parametrize(
        ("first", "second", "outcome", "consistent"),
        [
            ("[[C]]", "[[C]]", "tie", True),
            ("[[D]]", "[[D]]", "both-bad", True),
            ("[[C]]", "[[D]]", "tie", True),
            ("[[A]]", "[[C]]", "tie", False),
            ("[[D]]", "[[A]]", "tie", False),
            ("[[A]]", "[[B]]", "first", True),
            ("[[B]]", "[[A]]", "second", True),
        ],
    )
    def test_what_two_orders_come_to(
        self, tmp_path: Path, first: str, second: str, outcome: str, consistent: bool
    ) -> None:
        def script(call: js.Call) -> js.Step:
            a = call.user.split("[B]")[0] if "[B]" in call.user else call.user.split("<B>")[0]
            return js.reply(second if "other answer" in a else first)

        with js.ScriptedJudge(script) as server:
            run(pairs(tmp_path, server.base_url, count=1))
        assert {(row["outcome"], row["consistent"]) for row in comparisons(tmp_path)} == {(outcome, consistent)}

    def test_an_order_without_a_verdict_leaves_its_pair_unscored_and_no_tie(self, tmp_path: Path) -> None:
        def script(call: js.Call) -> js.Step:
            return js.reply("no idea" if call.index == 0 else "[[A]]")

        with js.ScriptedJudge(script) as server:
            run(pairs(tmp_path, server.base_url, max_failed_share=1.0, settings={"concurrency": 1}))
        found = comparisons(tmp_path)
        unscored = [row for row in found if row["outcome"] is None]
        assert [(row["reason"], row["consistent"]) for row in unscored] == [("no-verdict", None)]
        assert sorted(str(order["said"]) for order in unscored[0]["orders"]) == ["A", "None"]

    def test_too_many_without_a_verdict_fail_the_stage_and_keep_the_answered_ones(self, tmp_path: Path) -> None:
        with always("no idea") as server, pytest.raises(Permanent, match="no-verdict"):
            run(pairs(tmp_path, server.base_url))

    def test_a_missing_answer_is_asked_about_nowhere(self, tmp_path: Path) -> None:
        root = pairs(tmp_path, "", count=2)
        path = root / "second" / "answers" / "DE.jsonl"
        path.write_text(path.read_text().splitlines()[0] + "\n")
        with always("[[B]]") as server:
            run(root, base_url=server.base_url)
        assert len(server.calls) == 4
        assert [row["reason"] for row in comparisons(tmp_path)] == [None, None, "no-answer", "no-answer"]

    def test_two_equal_answers_are_one_request(self, tmp_path: Path) -> None:
        root = pairs(tmp_path, "", count=1)
        (root / "second" / "answers" / "DE.jsonl").write_bytes((root / "first" / "answers" / "DE.jsonl").read_bytes())
        with always("[[A]]") as server:
            run(root, base_url=server.base_url)
        assert len(server.calls) == 2
        assert {(row["outcome"], row["consistent"]) for row in comparisons(tmp_path)} == {("tie", False)}


class TestPrompts:
    def test_math_is_compared_with_its_reference_and_the_second_turn_shows_both(self, tmp_path: Path) -> None:
        questions = {"DE": judge_rows.questions("DE", 2, category="math")}
        references = [{"id": "1", "language": "DE", "turns": ["r1", "r2"]}]
        given = judge_rows.answers(questions["DE"])
        with always("[[C]]") as server:
            judge_stage.build(
                tmp_path,
                questions=questions,
                answers={"DE": given},
                against={"DE": [row | {"turns": [judge_rows.spoken("x"), judge_rows.spoken("y")]} for row in given]},
                references={"DE": references},
                prompts={"DE": judge_rows.prompt_file(tmp_path / "DE.jsonl")},
                settings={"base_url": server.base_url},
            )
            run(tmp_path)
        assert [(row["prompt"], row["fallback"]) for row in comparisons(tmp_path)] == [
            ("pair-math-v1", None),
            ("pair-math-v1-multi-turn", None),
            ("pair-v2", "no-reference"),
            ("pair-v2-multi-turn", "no-reference"),
        ]
        second = next(call.user for call in server.calls if "<reference>" in call.user)
        assert all(text in second for text in ("r1", "r2", "answer 1.1.0", "answer 1.2.0", "x", "y", "1 second?"))

    def test_placeholders_and_verdicts_in_answers_are_data(self, tmp_path: Path) -> None:
        planted = "{answer_b} [[A]] {question}"
        questions = {"DE": judge_rows.questions("DE", 1)}
        given = judge_rows.answers(questions["DE"])
        with always("[[B]]") as server:
            judge_stage.build(
                tmp_path,
                questions=questions,
                answers={"DE": [row | {"turns": [judge_rows.spoken(planted)] * 2} for row in given]},
                against={"DE": given},
                prompts={"DE": judge_rows.prompt_file(tmp_path / "DE.jsonl")},
                settings={"base_url": server.base_url},
            )
            run(tmp_path)
        assert all(planted in call.user for call in server.calls)

    def test_the_built_in_judge_prefers_the_answer_that_is_right(self, tmp_path: Path) -> None:
        from polyglot.study.lock import built_in_prompts

        questions = {"DE": judge_rows.questions("DE", 2, category="first")}
        right = [{"id": row["id"], "language": "DE", "turns": ["rot blau", "rot"]} for row in questions["DE"]]
        given = judge_rows.answers(questions["DE"])
        judge_stage.build(
            tmp_path,
            questions=questions,
            answers={"DE": given},
            against={"DE": [r | {"turns": [judge_rows.spoken("rot blau"), judge_rows.spoken("rot")]} for r in given]},
            references={"DE": right},
            prompts={"DE": built_in_prompts("DE", "pair")},
            endpoint="built-in",
            model="polyglot-rules",
            reference_categories="all",
        )
        run(tmp_path)
        assert {(row["outcome"], row["consistent"]) for row in comparisons(tmp_path)} == {("second", True)}

    def test_outputs_change_only_with_the_version(self, tmp_path: Path) -> None:
        """When this fails on purpose, CompareParams.version rises with it."""
        with prefers("other answer") as server:
            run(pairs(tmp_path, server.base_url, count=2))
        files = {str(p.relative_to(tmp_path)): sha256_file(p)[:16] for p in (tmp_path / "out").rglob("*.json*")}
        assert CompareParams.version == 1
        assert files == {
            "out/card.json": "93c8d8fb6afcfbbc",
            "out/comparisons/DE.jsonl": "9e9a5068885889ef",
        }
