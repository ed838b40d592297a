"""One verdict out of those of several judges, from what real judge and compare jobs wrote."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.lib.context import Input
from jobs.panel import job as panel
from polyglot.core.errors import Permanent
from polyglot.kinds.panel import PanelParams
from tests.kit import judge_small as small
from tests.kit import judge_stage
from tests.kit.folder_input import FolderInput
from tests.kit.judge_server import Call, ScriptedJudge, Step, reply


def single(root: Path, *scores: float | None) -> Input:
    """A judge that gives these scores to questions 1, 2, …; None: no verdict."""

    def said(call: Call) -> Step:
        number = next(at for at in range(len(scores), 0, -1) if f"DE {at} first?" in call.user)
        score = scores[number - 1]
        return reply("Hmm." if score is None else f"Rating: [[{score}]]")

    with ScriptedJudge(said) as server:
        small.stage(root, server.base_url, count=len(scores), max_failed_share=1.0)
        small.run(root)
    return FolderInput(root / "out")


def pairs(root: Path, said: str) -> Input:
    """A judge that says `first`, `second`, `tie` or `both-bad` of every pair, or nothing, in both orders."""

    def verdict(call: Call) -> Step:
        a = call.user.partition("[B]" if "[B]" in call.user else "<B>")[0]
        slots = {"tie": "[[C]]", "none": "no idea"}
        turned = "other" in a
        return reply(slots.get(said) or ("[[A]]" if (said == "first") != turned else "[[B]]"))

    with ScriptedJudge(verdict) as server:
        small.pairs(root, server.base_url, count=2, max_failed_share=1.0)
        small.run(root)
    return FolderInput(root / "out")


def together(root: Path, rule: str, **judges: Input) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Run the job; return its rows and its card."""
    what = "comparisons" if any("comparisons/DE.jsonl" in one.names() for one in judges.values()) else "verdicts"
    params = PanelParams(what=what, rule=rule, languages=("DE",))  # type: ignore[arg-type]
    root = root / rule
    root.mkdir()
    context = judge_stage.context_of(root, params, {f"{what}:{name}": source for name, source in judges.items()})
    out = context.out
    panel.run(context)
    rows = [json.loads(line) for line in (out / what / "DE.jsonl").read_text().splitlines()]
    return rows, json.loads((out / "card.json").read_text())


@pytest.mark.parametrize(("rule", "scores"), [("mean", [3.666667, 8.0, None]), ("majority", [3.0, 8.0, None])])
def test_scores_are_the_mean_or_the_median_and_none_where_a_judge_gave_none(
    tmp_path: Path, rule: str, scores: list[float | None]
) -> None:
    judges = {
        "judge": single(tmp_path / "a", 1, 8, 9),
        "large": single(tmp_path / "b", 7, 9, None),
        "small": single(tmp_path / "c", 3, 7, 2),
    }
    rows, card = together(tmp_path, rule, **judges)
    assert [row["score"] for row in rows] == [score for score in scores for _ in (1, 2)]
    assert [(row["id"], row["turn"]) for row in rows] == [(str(at), turn) for at in (1, 2, 3) for turn in (1, 2)]
    assert {row["reason"] for row in rows} == {None, "no-verdict"}
    assert all(row["text"] == "" and row["prompt_tokens"] == 0 for row in rows)
    assert (card["endpoint"], card["model"], card["languages"]["DE"]["failed"]) == ("panel", f"panel-{rule}", 2)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (("first", "first", "second"), "first"),
        (("second", "tie", "second"), "second"),
        (("first", "second", "tie"), "tie"),
        (("first", "first", "none"), None),
    ],
)
def test_pairs_go_to_whom_more_than_half_name(tmp_path: Path, said: tuple[str, ...], outcome: str | None) -> None:
    judges = {f"judge{number}": pairs(tmp_path / str(number), one) for number, one in enumerate(said)}
    rows, card = together(tmp_path, "majority", **judges)
    assert {row["outcome"] for row in rows} == {outcome}
    assert all((row["orders"], row["consistent"]) == ([], None) for row in rows)  # nobody said it in either order
    assert card["languages"]["DE"]["inconsistent"] == 0
    assert card["languages"]["DE"]["failed"] == (4 if outcome is None else 0)


def test_judges_of_other_answers_are_refused(tmp_path: Path) -> None:
    one, fewer = single(tmp_path / "a", 1, 8), single(tmp_path / "b", 7)
    with pytest.raises(Permanent, match=r"verdicts/DE.jsonl: not all judges have a line on question 2, turn 1"):
        together(tmp_path, "mean", judge=one, large=fewer)


def test_two_judges_that_differ_make_no_majority(tmp_path: Path) -> None:
    judges = {"judge": pairs(tmp_path / "a", "first"), "large": pairs(tmp_path / "b", "tie")}
    rows, _ = together(tmp_path, "majority", **judges)
    assert {row["outcome"] for row in rows} == {"tie"}
