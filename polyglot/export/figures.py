"""The figures of a study's report as files for a paper, drawn by matplotlib: SVG or PDF.

    scores                means over all languages, an interval and a dot a seed
    contrasts-<family>    a forest plot each
    sizes-<group>         means inside of the mix by number of instructions
    categories-<group>    a radar of the means by category
    training-<group>      the loss by step

A group is a model and a data set. Equal reports give equal bytes under one version of matplotlib.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from polyglot.core.errors import BadInput
from polyglot.export.findings import contrast_names
from polyglot.kinds.aggregate import ContrastResult, Estimate
from polyglot.kinds.cells import AGAIN, ArmKey
from polyglot.kinds.metrics import BY_NAME, Metric
from polyglot.kinds.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FigureForm = Literal["svg", "pdf"]
_SETTINGS: Any = {"svg.hashsalt": "polyglot", "svg.fonttype": "none", "pdf.fonttype": 42, "font.size": 8,
             "axes.spines.top": False, "axes.spines.right": False}  # fmt: skip
_WIDTH, _ROW = 6.3, 0.22  # inches: of a text block, and of a row of a forest plot
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f")
_MOST_ARMS = len(_COLOURS)  # in one radar
_MOST_STEPS = 400  # that a curve of losses has points for


def write_figures(report: Report, folder: Path, form: FigureForm) -> list[Path]:
    """Draw every figure that a report has something for. Raises BadInput without matplotlib."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        remedy = "Install polyglot-lab[export]"
        raise BadInput("figures need matplotlib, which is not installed", where="--as", remedy=remedy) from error
    paths: list[Path] = []
    with matplotlib.rc_context(_SETTINGS):
        for name, height, draw in _figures(report):
            figure = Figure(figsize=(_WIDTH, height), layout="constrained")
            draw(figure)
            path = _free(folder, re.sub("[^A-Za-z0-9.]+", "-", name).strip("-"), form, paths)
            figure.savefig(path, metadata={"Date": None} if form == "svg" else {"CreationDate": None})
            paths.append(path)
    return paths


def _free(folder: Path, name: str, form: FigureForm, taken: Sequence[Path]) -> Path:
    """Where a figure is written: with a number behind its name where another one has that, in any case of letters."""
    names, number, free = {path.stem.casefold() for path in taken}, 1, name
    while free.casefold() in names:
        number += 1
        free = f"{name}-{number}"
    return folder / f"{free}.{form}"


def _figures(report: Report) -> Iterator[tuple[str, float, Callable[["Figure"], None]]]:
    """(name, height in inches, what draws it)."""
    metric = BY_NAME[report.metric]
    means = [(_named(report, row.arm_key), metric.of(row)) for row in report.arms if row.language == "all"]
    yield "scores", _height(len(means)), _forest(means, metric, metric.title, zero=False)
    families: dict[str, list[ContrastResult]] = {}
    for row in report.contrasts:
        families.setdefault(row.family.compares, []).append(row)
    for family, rows in families.items():
        found = [(name, metric.of(row)) for name, row in zip(contrast_names(rows), rows, strict=True)]
        yield (
            f"contrasts-{family}",
            _height(len(found)),
            _forest(found, metric, f"difference, {metric.unit}", zero=True),
        )
    for group in dict.fromkeys(row.trained_on for row in report.arms if row.dataset is not None):
        named = "-".join(part for part in group if part)
        if curves := _curves(report, group, metric):
            yield f"sizes-{named}", 3.0, _sizes(curves, metric)
        yield f"categories-{named}", 4.2, _radar(report, group, metric)
        if losses := _losses(report, group):
            yield f"training-{named}", 3.0, _training(losses)


def _height(rows: int) -> float:
    return 0.7 + _ROW * rows


def _named(report: Report, key: ArmKey) -> str:
    """An arm's name, with its model and data set where there are several."""
    groups = {row.trained_on for row in report.arms if row.dataset is not None}
    return key.arm if len(groups) < 2 else "/".join(part for part in key if part)


def _forest(
    rows: Sequence[tuple[str, Estimate]], metric: Metric, title: str, *, zero: bool
) -> Callable[["Figure"], None]:
    """A dot with its interval a row, the first at the top, and a small dot a seed."""

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        for place, (_, found) in enumerate(reversed(rows)):
            value, low, high = (metric.scaled(number) for number in (found.value, found.low, found.high))
            if value is None or low is None or high is None:
                continue
            colour = "black" if not zero else {1: _COLOURS[2], -1: _COLOURS[1], 0: _COLOURS[7]}[found.told]
            axes.plot([low, high], [place, place], color=colour, linewidth=1.2)
            axes.plot([value], [place], "o", color=colour, markersize=4)
            seeds = [seed * metric.factor for seed in found.per_seed if seed is not None and len(found.per_seed) > 1]
            axes.plot(seeds, [place - 0.25] * len(seeds), ".", color=colour, markersize=2)
        axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)])
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.set_xlabel(title)
        axes.grid(axis="x", linewidth=0.3)
        if zero:
            axes.axvline(0, color="black", linewidth=0.6)

    return draw


Curves = Mapping[str, Sequence[tuple[int | None, Estimate]]]


def _curves(report: Report, group: tuple[str, str | None], metric: Metric) -> Curves:
    """Mixes that were measured at several sizes, the largest last; None is every id."""
    cells = {cell.arm_key: cell for cell in report.roster}
    found: dict[str, list[tuple[int | None, Estimate]]] = {}
    for row in report.arms:
        if row.trained_on == group and row.language == "in-mix":
            cell = cells[row.arm_key]
            found.setdefault(cell.form, []).append((cell.size, metric.of(row)))
    return {
        name: sorted(points, key=lambda point: (point[0] is None, point[0] or 0))
        for name, points in found.items()
        if len(points) > 1
    }


def _sizes(curves: Curves, metric: Metric) -> Callable[["Figure"], None]:
    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        sizes = sorted(
            {size for points in curves.values() for size, _ in points}, key=lambda size: (size is None, size or 0)
        )
        for number, (name, points) in enumerate(curves.items()):
            known = [
                (sizes.index(size), value, value - low, high - value)
                for size, found in points
                if (value := metric.scaled(found.value)) is not None
                and (low := metric.scaled(found.low)) is not None
                and (high := metric.scaled(found.high)) is not None
            ]
            x, y, below, above = (list(column) for column in zip(*known, strict=True)) if known else ([], [], [], [])
            shift = (number - (len(curves) - 1) / 2) * 0.06
            colour = _COLOURS[number % len(_COLOURS)]
            axes.errorbar([place + shift for place in x], y, yerr=[below, above], label=name, color=colour, marker="o",
                          markersize=3, linewidth=1, capsize=2)  # fmt: skip
        axes.set_xticks(range(len(sizes)), ["all" if size is None else f"{size:,}" for size in sizes])
        _finish(axes, "ids of instructions", f"{metric.title}, in the languages of the mix")

    return draw


def _radar(report: Report, group: tuple[str, str | None], metric: Metric) -> Callable[["Figure"], None]:
    """The means by category over all languages, of the arms of most languages first; as many as have colours."""
    rows = {(row.arm_key, row.category): row for row in report.breakdown if row.category is not None}
    members = {cell.arm_key: len(cell.languages) for cell in report.roster}
    keys = dict.fromkeys(row.arm_key for row in report.breakdown if row.trained_on == group and AGAIN not in row.arm)
    shown = sorted(keys, key=lambda key: -members.get(key, 0))[:_MOST_ARMS]
    names = list(report.method.categories)

    def draw(figure: "Figure") -> None:
        from math import pi

        axes = figure.add_subplot(projection="polar")
        around = [2 * pi * number / len(names) for number in range(len(names))]
        for key, colour in zip(shown, _COLOURS, strict=False):
            means = [metric.of(rows[key, name]).value for name in names]
            values = [mean * metric.factor for mean in means if mean is not None]
            if len(values) == len(names):
                axes.plot([*around, around[0]], [*values, values[0]], label=key.arm, color=colour, linewidth=1)
        axes.set_xticks(around, names)
        axes.set_ylim(metric.lowest * metric.factor if metric.lowest == 0 else 0, metric.highest * metric.factor)
        axes.legend(loc="center left", bbox_to_anchor=(1.15, 0.5), frameon=False)
        axes.set_title(f"{metric.title}, by category", fontsize=8)

    return draw


def _losses(report: Report, group: tuple[str, str | None]) -> Mapping[str, Sequence[Sequence[float]]]:
    """The losses by step of each arm's runs."""
    cells = {cell.cell: cell for cell in report.roster}
    found: dict[str, list[Sequence[float]]] = {}
    for entry in report.training:
        cell = cells.get(entry.name)
        if cell is not None and cell.arm_key.trained_on == group:
            found.setdefault(cell.arm, []).append(entry.training.loss)
    return found


def _training(losses: Mapping[str, Sequence[Sequence[float]]]) -> Callable[["Figure"], None]:
    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        for number, (arm, runs) in enumerate(losses.items()):
            for run, loss in enumerate(runs):
                stride = max(1, len(loss) // _MOST_STEPS)
                axes.plot(range(1, len(loss) + 1, stride), loss[::stride], color=_COLOURS[number % len(_COLOURS)],
                          linewidth=0.7, label=arm if run == 0 else None)  # fmt: skip
        _finish(axes, "step", "loss, nats a token")

    return draw


def _finish(axes: "Axes", x: str, title: str) -> None:
    axes.set_xlabel(x)
    axes.set_title(title, fontsize=8, loc="left")
    axes.grid(axis="y", linewidth=0.3)
    axes.legend(frameon=False, fontsize=6, ncols=2)
