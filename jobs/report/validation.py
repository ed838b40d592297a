"""What the page shows of losses on rows held back: mixes by languages, those of the mix and the others."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobs.report.languages import place_in
from jobs.report.tables import HeatCell, HeatRow, HeatTable, Row, group_title, groups


def validation_tables(report: Row) -> Iterator[HeatTable]:
    """Loss in nats a token after training, a table for each model and data set that has such rows.

    A field is the mean over seeds and draws, with the lowest and the highest. The lower, the stronger its colour.
    """
    cells = {cell["cell"]: cell for cell in report["roster"]}
    for group in groups(report):
        of_arm: dict[str, list[tuple[Row, Mapping[str, Any]]]] = {}
        for entry in report["training"]:
            cell = cells.get(entry["name"])
            if cell and (cell["model"], cell["dataset"]) == group and entry["training"].get("validation"):
                last = entry["training"]["validation"][-1]["languages"]
                of_arm.setdefault(cell["arm"], []).append((cell, last))
        if not of_arm:
            continue
        found = {language for rows in of_arm.values() for _, last in rows for language in last}
        languages = sorted(found, key=place_in(report))
        yield HeatTable(
            title=group_title(report, group),
            columns=tuple(languages),
            rows=tuple(_rows(report, of_arm, languages)),
        )


def _rows(
    report: Row, of_arm: Mapping[str, Sequence[tuple[Row, Mapping[str, Any]]]], languages: Sequence[str]
) -> Iterator[HeatRow]:
    losses = {
        (arm, language): [last[language]["loss"] for _, last in rows if last.get(language, {}).get("loss") is not None]
        for arm, rows in of_arm.items()
        for language in languages
    }
    means = {key: sum(values) / len(values) for key, values in losses.items() if values}
    for arm in dict.fromkeys(cell["arm"] for cell in report["roster"] if cell["arm"] in of_arm):
        trained = of_arm[arm][0][0]["languages"]
        cells = []
        for language in languages:
            column = [means[other, language] for other in of_arm if (other, language) in means]
            own = language in trained
            values = losses[arm, language]
            if not values:
                cells.append(HeatCell(text="n/a", detail="no rows", strength=0.0, own=own, missing=True))
                continue
            spread = max(column) - min(column)
            strength = (max(column) - means[arm, language]) / spread if spread else 0.5
            detail = f"{min(values):.3f}\u2013{max(values):.3f}" if len(values) > 1 else ""
            text = f"{means[arm, language]:.3f}"
            cells.append(HeatCell(text=text, detail=detail, strength=round(strength, 3), own=own))
        runs = len(of_arm[arm])
        yield HeatRow(
            name=arm,
            detail=f"{runs} run{'' if runs == 1 else 's'}",
            cells=tuple(cells),
            weak=False,
            kind=min(len(trained), 2),
        )


def packing_summary(report: Row) -> str:
    """How full packed sequences were, "" where nothing was packed."""
    found = [entry["training"]["packing"] for entry in report["training"] if entry["training"].get("packing")]
    if not found:
        return ""
    full, padded = (_span([packing[name] for packing in found]) for name in ("efficiency", "padded_efficiency"))
    size = found[0]["sequence_tokens"]
    return (
        f"Packed step by step into sequences of at most {size} tokens: {full} full, {padded} of the longest in a step."
    )


def _span(shares: Sequence[float]) -> str:
    """A share in percent, or the lowest to the highest."""
    lowest, highest = (f"{100 * share:.1f}" for share in (min(shares), max(shares)))
    return f"{lowest}%" if lowest == highest else f"{lowest} to {highest}%"
