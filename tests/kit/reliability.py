"""The card of judges over two cells, from what real judge and compare jobs wrote to its files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.lib.context import Input
from jobs.reliability import job as reliability
from polyglot.core import records
from polyglot.kinds.aggregate import ArmScore, Method, Scores
from polyglot.kinds.cells import Cell
from polyglot.kinds.reliability import CellPair, ReliabilityParams
from tests.kit import judge_rows, judge_stage
from tests.kit import judge_server as js
from tests.kit.folder_input import FolderInput
from tests.kit.judge_small import QUICK, run

QUESTIONS = judge_rows.questions("DE", 8)
Script = js.Script


def answers(text: str = "answer") -> list[dict[str, Any]]:
    rows = judge_rows.answers(QUESTIONS)
    return [row | {"turns": [judge_rows.spoken(f"{text} {row['id']}.{turn}") for turn in (1, 2)]} for row in rows]


def cell(name: str) -> Cell:
    return Cell(cell=f"tiny/house/{name}/s0", model="tiny", dataset="house", mix=name, languages=("DE",), seed=0)


def judged(
    root: Path, script: Script, given: list[dict[str, Any]], *, against: list[dict[str, Any]] | None = None, **more: Any
) -> FolderInput:
    """What a judge (or, with `against`, a judge of pairs) made of answers."""
    root.mkdir(parents=True)
    with js.ScriptedJudge(script) as server:
        judge_stage.build(
            root,
            questions={"DE": QUESTIONS},
            answers={"DE": given},
            against=None if against is None else {"DE": against},
            prompts={"DE": judge_rows.prompt_file(root / "p.jsonl")},
            settings=QUICK | {"base_url": server.base_url},
            max_failed_share=1.0,
            **more,
        )
        run(root)
    return FolderInput(root / "out")


def folder(root: Path, name: str, rows: list[dict[str, Any]]) -> FolderInput:
    judge_stage.write_rows(root / name, rows)
    return FolderInput(root)


def card(root: Path, inputs: Mapping[str, Input], defects: list[dict[str, Any]] | None = None, **params: Any) -> Any:
    """Run the job over two cells, EN and DE, and return its document."""
    given: dict[str, Any] = {"languages": ("DE",), "cells": (cell("EN"), cell("DE")), "resamples": 1000} | params
    questions = folder(root / "questions", "questions/DE.jsonl", QUESTIONS)
    aggregate = folder(root / "aggregate", "defects.jsonl", defects or [])
    (root / "aggregate" / "scores.json").write_bytes(records.to_json(scores(given["cells"])))
    read = {"questions": questions, "aggregate": aggregate, **inputs}
    context = judge_stage.context_of(root, ReliabilityParams(**given), read)
    reliability.run(context)
    return json.loads((root / "out" / "reliability.json").read_text())


def scores(cells: Sequence[Cell]) -> Scores:
    """Those of arms, in the order of the cells: 5, 4, …"""
    method = Method(
        languages=("DE",),
        categories={},
        questions=8,
        resamples=0,
        level=0.95,
        min_seeds=3,
        digits=4,
        smallest_p=1.0,
        most_failed=0.05,
    )
    arms = tuple(
        ArmScore(
            arm=cell.arm_key.arm,
            model=cell.model,
            dataset=cell.dataset,
            language="DE",
            languages=("DE",),
            seeds=1,
            seed_ids=(0,),
            mean=5.0 - place,
            low=None,
            high=None,
            per_seed=(),
            scope="this model",
            exact_share=None,
            exact_low=None,
            exact_high=None,
            exact_per_seed=(),
        )
        for place, cell in enumerate(cells)
    )
    return Scores(method=method, roster=(), cells=(), arms=arms, breakdown=())


def says(text: str) -> Script:
    return lambda call: js.reply(text)


def inputs_of(
    root: Path, single: Script, first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> dict[str, Input]:
    return {
        "verdicts:tiny/house/EN/s0": judged(root / "EN", single, first),
        "verdicts:tiny/house/DE/s0": judged(root / "DE", single, second),
        "answers:tiny/house/EN/s0": folder(root / "answers-EN", "answers/DE.jsonl", first),
        "answers:tiny/house/DE/s0": folder(root / "answers-DE", "answers/DE.jsonl", second),
    }


PAIR = CellPair(name="p", first="tiny/house/DE/s0", second="tiny/house/EN/s0")  # against the order of the cells
