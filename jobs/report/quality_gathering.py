"""What a report says of translations: the cards of its quality stages, and engine against engine. Plain data."""

from collections.abc import Mapping
from typing import Any

import msgspec

from jobs.lib.context import Input
from jobs.report.gathering import card, read_json
from jobs.report.quality_comparison import LEVEL, Check, compare_all
from polyglot.kinds.quality import TurnQuality
from polyglot.kinds.report import ReportParams


def gather_quality(params: ReportParams, inputs: Mapping[str, Input]) -> dict[str, Any] | None:
    """Return {"level", "checks", "comparisons", "agreement"}, None for a study without quality stages."""
    if not params.checks:
        return None
    cards, checks = [], []
    for name in params.checks:
        source = inputs[f"quality:{name}"]
        cards.append(card(name, source))
        about = cards[-1]["card"]
        read = source.made_from
        of = (read.get("source", ""), about["what"], about["source"], about["target"])
        rows = source.lines("rows.jsonl", TurnQuality)
        checks.append(Check(name=name, of=of, records=[msgspec.to_builtins(row) for row in rows]))
    agreement = None
    if "agree" in inputs:
        agreement = {"key": inputs["agree"].key, **read_json(inputs["agree"], "agreement.json")}
    return {"level": LEVEL, "checks": cards, "comparisons": compare_all(checks), "agreement": agreement}


def table(quality: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One flat row for each check and category ("all" first), as quality.csv has it."""
    rows = []
    for check in quality["checks"]:
        about = check["card"]
        for category, summary in {"all": about["overall"], **about["categories"]}.items():
            row = {"check": check["name"], "source": about["source"], "target": about["target"], "category": category}
            row |= {"reference_is": about["reference_is"] or "", "turns": summary["turns"], "intact": summary["intact"]}
            row |= {"code_turns": summary["code"]["turns"], "code_equal": summary["code"]["equal"]}
            row |= {"language_judged": summary["language"]["judged"], "language_other": summary["language"]["other"]}
            for metric, spread in summary["metrics"].items():
                row |= {f"{metric}_mean": spread["mean"], f"{metric}_median": spread["median"]}
            rows.append(row)
    return rows
