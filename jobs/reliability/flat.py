"""Rows of CSV files: arms by their names, figures with their limits in columns of their own."""

from collections.abc import Iterator

import msgspec

from polyglot.core.records import Record
from polyglot.kinds.reliability import PairResult
from polyglot.kinds.strengths import StrengthTable


def strength_rows(table: StrengthTable) -> Iterator[dict[str, object]]:
    """The rows of strengths.csv, those of arms before those of gaps."""
    told = {"judge": table.judge or "", "language": table.language}
    for arm in table.arms:
        yield {
            "table": "arm",
            **told,
            "model": arm.arm.model,
            "dataset": arm.arm.dataset,
            "arm": arm.arm.arm,
            **_wide(arm),
        }
    for gap in table.gaps:
        named = {"model": gap.first.model, "dataset": gap.first.dataset, "arm": gap.first.arm}
        less = {"less_model": gap.second.model, "less_dataset": gap.second.dataset, "less_arm": gap.second.arm}
        yield {"table": "gap", **told, **named, **less, **_wide(gap)}


def _wide(row: Record, of: str = "") -> dict[str, object]:
    """Figures with their limits in columns of their own, and behind the first of them what it is `of`, by that name.

    Arms are named already.
    """
    wide: dict[str, object] = {}
    for name, value in msgspec.to_builtins(row).items():
        if isinstance(value, dict):
            wide |= {name: value["value"], f"{name}_low": value["low"], f"{name}_high": value["high"]}
            if of:
                wide.setdefault(of, value["of"])
        elif not isinstance(value, list | tuple):
            wide[name] = value
    return wide


def pair_row(row: PairResult) -> dict[str, object]:
    """A row of pairs.csv: arms by their names, figures with their limits in columns of their own."""
    flat: dict[str, object] = {
        "model": row.first.model,
        "dataset": row.first.dataset or row.second.dataset,
        "first": row.first.arm,
        "second": row.second.arm,
    }
    return flat | _wide(row, of="scored")
