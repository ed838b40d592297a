"""What the page's figures show: contrasts with their noise floor, transfer out of the mix, sizes, training curves."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.report.answer import family_of, heading
from jobs.report.numbers import Metric
from jobs.report.plots.dots import Dot, draw_axis, draw_dots
from jobs.report.plots.lines import Line, draw_lines, thin_out
from jobs.report.plots.scale import Scale, linear
from jobs.report.tables import arm_key, arms_of, group_title, groups

Row = Mapping[str, Any]


def contrast_figures(report: Row, metric: Metric) -> list[dict[str, Any]]:
    """One figure per family, model and data set: its contrasts on one axis."""
    grouped: dict[tuple[str, str, str], list[Row]] = {}
    for contrast in report["contrasts"]:
        key = (contrast["model"], contrast["dataset"], family_of(contrast))
        grouped.setdefault(key, []).append(contrast)
    figures = []
    for (model, dataset, family), rows in grouped.items():
        title, question = heading(family)
        floor = [pair[metric.difference] for row in rows for pair in row["aa"] if pair[metric.difference] is not None]
        wanted = [row[name] for row in rows for name in (metric.difference, metric.low, metric.high)]
        wanted += [value for row in rows for value in row[metric.per_seed]] + floor
        scale = linear([None if value is None else value * metric.factor for value in wanted], zero=True)
        figures.append(
            {
                "title": title,
                "question": question,
                "group": group_title(report, (model, dataset)),
                "axis": draw_axis(scale, f"Axis: difference in {metric.unit}", signed=True),
                "unit": metric.unit,
                "has_noise": bool(floor),
                "all_weak": all(row["claim"] != "mix" for row in rows),
                "on": " ".join(rows[0]["on"]) if len({tuple(row["on"]) for row in rows}) == 1 else "",
                "rows": _contrast_rows(rows, metric, scale),
            }
        )
    return figures


def _contrast_rows(rows: Sequence[Row], metric: Metric, scale: Scale) -> list[dict[str, Any]]:
    """Rows with their treatment named once where several in a row have the same."""
    drawn = []
    before = None
    for row in rows:
        entry = _contrast_row(row, metric, scale)
        entry["head"], _, entry["tail"] = entry["name"].partition(" \u2212 ")
        entry["again"] = before == (entry["head"], row["on"]) and bool(entry["tail"])
        before = (entry["head"], row["on"])
        drawn.append(entry)
    return drawn


def _contrast_row(row: Row, metric: Metric, scale: Scale) -> dict[str, Any]:
    factor = metric.factor
    point = row[metric.difference]
    sign = metric.verdict(row)
    noise = [pair[metric.difference] * factor for pair in row["aa"] if pair[metric.difference] is not None]
    name = pretty(row["name"])
    value = metric.signed(point)
    dot = Dot(
        point=_times(point, factor),
        low=_times(row[metric.low], factor),
        high=_times(row[metric.high], factor),
        tone="up" if sign > 0 else "down" if sign < 0 else "even",
        seeds=[seed * factor for seed in row[metric.per_seed] if seed is not None] if row["seeds"] > 1 else (),
    )
    said = f"{name}: {value} {metric.unit}, interval {metric.signed_interval(row)}"
    if noise:
        said += f"; {len(noise)} A/A pairs, up to {max(map(abs, noise)):.{max(metric.digits, 1)}f} apart"
    return {
        "name": name,
        "on": " ".join(row["on"]),
        "selected": row["exact_selected" if metric.name == "exact" else "selected"],
        "value": value,
        "interval": metric.signed_interval(row),
        "weak": row["claim"] != "mix",
        "plot": draw_dots(scale, [dot], said, noise=noise),
    }


def transfer_figures(report: Row, metric: Metric) -> list[dict[str, Any]]:
    """In-mix against out-of-mix means of every arm that has both."""
    rows = {(*arm_key(row), row["language"]): row for row in report["arms"]}
    figures = []
    for group in groups(report):
        arms = [key for key in arms_of(report, group) if (*key, "out-of-mix") in rows and (*key, "in-mix") in rows]
        if not arms:
            continue
        scale = linear([metric.lowest * metric.factor, metric.highest * metric.factor])
        body = []
        for key in arms:
            inside, outside = rows[*key, "in-mix"], rows[*key, "out-of-mix"]
            dots = [_mean_dot(inside, metric, "in"), _mean_dot(outside, metric, "out")]
            said = (
                f"{key[2]}: {metric.show(inside[metric.mean])} in {' '.join(inside['languages'])}, "
                f"{metric.show(outside[metric.mean])} in {' '.join(outside['languages'])}"
            )
            body.append(
                {
                    "name": key[2],
                    "inside": metric.show(inside[metric.mean]),
                    "outside": metric.show(outside[metric.mean]),
                    "out_languages": " ".join(outside["languages"]),
                    "plot": draw_dots(scale, dots, said),
                }
            )
        axis = draw_axis(scale, f"Axis: {metric.title}")
        figures.append({"group": group_title(report, group), "axis": axis, "rows": body})
    return figures


def _mean_dot(row: Row, metric: Metric, tone: str) -> Dot:
    return Dot(
        point=_times(row[metric.mean], metric.factor),
        low=_times(row[metric.low], metric.factor),
        high=_times(row[metric.high], metric.factor),
        tone=tone,
    )


def size_figures(report: Row, metric: Metric) -> list[dict[str, Any]]:
    """In-mix means against the number of instructions, for mixes measured at several sizes.

    A mix without a language of the benchmark has no such mean, and no curve.
    """
    rows = {(*arm_key(row), row["language"]): row for row in report["arms"]}
    size_of = {(cell["model"], cell["dataset"], cell["arm"]): cell["size"] for cell in report["roster"]}
    figures = []
    for group in groups(report):
        curves: dict[str, list[tuple[int | None, Row]]] = {}
        for key in arms_of(report, group):
            if key[1] is not None and (*key, "in-mix") in rows:
                curves.setdefault(key[2].partition("@")[0], []).append((size_of[key], rows[*key, "in-mix"]))
        curves = {name: found for name, found in curves.items() if len(found) > 1}
        if not curves:
            continue
        sizes = sorted(
            {size for found in curves.values() for size, _ in found}, key=lambda size: (size is None, size or 0)
        )
        place = {size: round(14 + 82 * index / max(len(sizes) - 1, 1), 2) for index, size in enumerate(sizes)}
        scale = linear([metric.lowest * metric.factor, metric.highest * metric.factor])
        panels = []
        for name, found in curves.items():
            known = [(size, row) for size, row in found if row[metric.mean] is not None]
            line = Line(
                corners=[(place[size], row[metric.mean] * metric.factor) for size, row in known],
                limits=[(row[metric.low] * metric.factor, row[metric.high] * metric.factor) for _, row in known],
                dots=True,
            )
            said = ", ".join(f"{size or 'all'}: {metric.show(row[metric.mean])}" for size, row in known)
            panels.append(
                {
                    "name": name,
                    "plot": draw_lines(
                        scale, [line], f"{name} by number of instructions: {said}", height=130, labels=True
                    ),
                    "x": [(place[size], "all" if size is None else str(size)) for size in sizes],
                }
            )
        figures.append({"group": group_title(report, group), "panels": panels})
    return figures


def training_panels(report: Row) -> list[dict[str, Any]]:
    """Small multiples of the loss: one panel an arm, one line a seed, all on one axis per model."""
    arm_of = {cell["cell"]: cell for cell in report["roster"]}
    records = [entry for entry in report["training"] if entry["training"].get("loss") and entry["name"] in arm_of]
    if not records:
        return []
    highest = max(value for entry in records for value in _finite(entry["training"]["loss"]))
    scale = linear([0.0, highest], ticks=3)
    panels: dict[tuple[str, str], list[Row]] = {}
    for entry in records:
        cell = arm_of[entry["name"]]
        panels.setdefault((cell["model"], cell["arm"]), []).append(entry)
    found = []
    order = {cell["arm"]: index for index, cell in enumerate(report["roster"])}
    for (model, arm), entries in sorted(panels.items(), key=lambda item: (item[0][0], order[item[0][1]])):
        lines = [
            Line(corners=thin_out(_finite(entry["training"]["loss"])), tone=f"tone{index % 3}")
            for index, entry in enumerate(entries)
        ]
        final = [entry["training"].get("final_loss", entry["training"]["loss"][-1]) for entry in entries]
        steps = entries[0]["training"].get("steps", len(entries[0]["training"]["loss"]))
        said = f"Training loss of {arm}: {len(entries)} runs of {steps} steps, ending at " + ", ".join(
            f"{value:.2f}" for value in final
        )
        found.append(
            {
                "name": arm if len({key[0] for key in panels}) == 1 else f"{model} {arm}",
                "steps": steps,
                "final": f"{min(final):.2f}" if len(final) == 1 else f"{min(final):.2f}\u2013{max(final):.2f}",
                "plot": draw_lines(scale, lines, said, height=64),
                "top": scale.label(scale.high),
            }
        )
    return found


def _finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if value is not None]


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def pretty(name: str) -> str:
    """A contrast's name with a minus that is one."""
    return name.replace(" - ", " \u2212 ").removesuffix(" (left out)")
