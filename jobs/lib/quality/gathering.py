"""What a report says of translations: the cards of its quality stages, and engine against engine. Plain data."""

import json
from collections.abc import Mapping
from typing import Any

from jobs.lib.context import Input
from jobs.lib.data.by_id import documents
from jobs.lib.quality.comparison import LEVEL, Check, compare_all
from polyglot.spec.params import ReportParams


def gather_quality(params: ReportParams, inputs: Mapping[str, Input]) -> dict[str, Any] | None:
    """Return {"level", "checks", "comparisons", "agreement"}, None for a study without quality stages."""
    if not params.checks:
        return None
    cards, checks = [], []
    for name in params.checks:
        source = inputs[f"quality:{name}"]
        card = json.loads(source.path("card.json").read_text(encoding="utf-8"))
        cards.append({"name": name, "key": source.key, "card": card})
        read = _inputs(source)
        of = (read.get("source", ""), card["what"], card["source"], card["target"])
        checks.append(Check(name=name, of=of, records=list(documents(source.path("rows.jsonl")))))
    agreement = None
    if "agree" in inputs:
        agreement = {
            "key": inputs["agree"].key,
            **json.loads(inputs["agree"].path("agreement.json").read_text("utf-8")),
        }
    return {"level": LEVEL, "checks": cards, "comparisons": compare_all(checks), "agreement": agreement}


def table(quality: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One flat row for each check and category ("all" first), as quality.csv has it."""
    rows = []
    for check in quality["checks"]:
        card = check["card"]
        for category, summary in {"all": card["overall"], **card["categories"]}.items():
            row = {"check": check["name"], "source": card["source"], "target": card["target"], "category": category}
            row |= {"reference_is": card["reference_is"] or "", "turns": summary["turns"], "intact": summary["intact"]}
            row |= {"code_turns": summary["code"]["turns"], "code_equal": summary["code"]["equal"]}
            row |= {"language_judged": summary["language"]["judged"], "language_other": summary["language"]["other"]}
            for metric, spread in summary["metrics"].items():
                row |= {f"{metric}_mean": spread["mean"], f"{metric}_median": spread["median"]}
            rows.append(row)
    return rows


def _inputs(source: Input) -> Mapping[str, str]:
    stage = getattr(getattr(source, "manifest", None), "stage", None)
    return dict(stage.inputs) if stage is not None else {}
