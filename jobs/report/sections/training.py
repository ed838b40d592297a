"""Training: the loss by step, one panel an arm and one line a seed, and losses on rows held back; then other curves."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from markupsafe import Markup

from jobs.report.curves import Curve, Curves, curves
from jobs.report.folds import folded, leading
from jobs.report.groups import Group, group_title, groups, place_in
from jobs.report.heat import HeatCell, HeatRow, HeatTable
from jobs.report.numbers import View
from jobs.report.plots.lines import Line, draw_lines, points_of, thin_out
from jobs.report.plots.scale import Scale, linear
from polyglot.kinds.aggregate import RosterCell
from polyglot.kinds.report import Report
from polyglot.kinds.train import TrainingRecord, ValidationLoss

Run = tuple[RosterCell, TrainingRecord]
MOST_CURVES = 18  # of losses on rows held back that stand open


class Panel(NamedTuple):
    """One arm's runs."""

    name: str
    steps: int
    final: str
    plot: Markup


class Training(NamedTuple):
    """All panels on one axis from 0 to `top`; `packing` is a sentence, "" where nothing was packed.

    Of very many mixes some are folded: of the loss by step, and of `held_back`, losses on rows held back by step.
    """

    panels: tuple[Panel, ...]
    folded: tuple[Panel, ...]
    held_back: tuple[Curve, ...]
    held_back_folded: tuple[Curve, ...]
    top: str
    packing: str
    validation: tuple[HeatTable, ...]
    curves: Curves


def show(report: Report, view: View) -> Training | None:
    """Return what the section shows; None where nothing was trained."""
    runs = _runs(report)
    if not runs:
        return None
    scale = linear([0.0, max(max(record.loss) for _, record in runs)], ticks=3)
    arms, first = _by_arm(report, runs), leading(report)
    is_open = {name: own[0][0].arm_key in first for name, own in arms.items()}
    panels, rest = folded(tuple(_panels(arms, scale)), is_open=lambda panel: is_open[panel.name])
    found = curves(arms)
    held_back, more = folded(found.held_back, is_open=lambda curve: is_open[curve.name], most=MOST_CURVES)
    return Training(
        panels=panels,
        folded=rest,
        held_back=held_back,
        held_back_folded=more,
        top=scale.label(scale.high),
        packing=packing_summary([record for _, record in runs]),
        validation=tuple(validation_tables(report)),
        curves=found,
    )


def _runs(report: Report) -> list[Run]:
    """Every cell that was trained, with its record, in the order of the records."""
    cells = {cell.cell: cell for cell in report.roster}
    return [(cells[entry.name], entry.training) for entry in report.training if entry.name in cells]


def _by_arm(report: Report, runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs of each arm by its name in a panel, in the order of the roster."""
    by_arm: dict[tuple[str, str], list[Run]] = {}
    for cell, record in runs:
        by_arm.setdefault((cell.model, cell.arm), []).append((cell, record))
    order = {cell.arm: index for index, cell in enumerate(report.roster)}
    one_model = len({model for model, _ in by_arm}) == 1
    ordered = sorted(by_arm.items(), key=lambda item: (item[0][0], order[item[0][1]]))
    return {arm if one_model else f"{model} {arm}": own for (model, arm), own in ordered}


def _panels(arms: Mapping[str, Sequence[Run]], scale: Scale) -> Iterator[Panel]:
    for name, runs in arms.items():
        records = [record for _, record in runs]
        corners = [thin_out(record.loss, points_of(len(arms))) for record in records]
        lines = [Line(corners=line, tone=f"tone{index % 3}") for index, line in enumerate(corners)]
        final = [record.final_loss for record in records]
        steps = records[0].steps
        said = f"Training loss of {runs[0][0].arm}: {len(records)} runs of {steps} steps, ending at "
        said += ", ".join(f"{value:.2f}" for value in final)
        yield Panel(
            name=name,
            steps=steps,
            final=f"{min(final):.2f}" if len(final) == 1 else f"{min(final):.2f}\u2013{max(final):.2f}",
            plot=draw_lines(scale, lines, said, height=64),
        )


def packing_summary(records: Sequence[TrainingRecord]) -> str:
    """How full packed sequences were, "" where nothing was packed."""
    found = [record.packing for record in records if record.packing]
    if not found:
        return ""
    full = _span([packing.efficiency for packing in found])
    padded = _span([packing.padded_efficiency for packing in found])
    return (
        f"Packed step by step into sequences of at most {found[0].sequence_tokens} tokens: {full} full, "
        f"{padded} of the longest in a step."
    )


def _span(shares: Sequence[float]) -> str:
    """A share in percent, or the lowest to the highest."""
    lowest, highest = (f"{100 * share:.1f}" for share in (min(shares), max(shares)))
    return f"{lowest}%" if lowest == highest else f"{lowest} to {highest}%"


def validation_tables(report: Report) -> Iterator[HeatTable]:
    """Loss in nats a token after training, a table for each model and data set that has rows held back.

    A field is the mean over seeds and draws, with the lowest and the highest. The lower, the stronger its colour.
    """
    by_group: dict[Group, dict[str, list[Mapping[str, ValidationLoss]]]] = {}
    for cell, record in _runs(report):
        if record.validation:
            arms = by_group.setdefault((cell.model, cell.dataset), {})
            arms.setdefault(cell.arm, []).append(record.validation[-1].languages)
    for group in groups(report):
        if group in by_group:
            arms = by_group[group]
            found = {language for runs in arms.values() for losses in runs for language in losses}
            languages = tuple(sorted(found, key=place_in(report)))
            largest = {key.arm for key in leading(report) if key.trained_on == group}
            rows = tuple(_validation_rows(report, arms, languages))
            shown, rest = folded(rows, is_open=partial(_is_of, largest))
            yield HeatTable(title=group_title(report, group), columns=languages, rows=shown, folded=rest)


def _is_of(arms: Collection[str], row: HeatRow) -> bool:
    return row.name in arms


def _validation_rows(
    report: Report, arms: Mapping[str, Sequence[Mapping[str, ValidationLoss]]], languages: Sequence[str]
) -> Iterator[HeatRow]:
    losses = {
        (arm, language): [
            loss.loss for run in runs if (loss := run.get(language)) is not None and loss.loss is not None
        ]
        for arm, runs in arms.items()
        for language in languages
    }
    means = {key: sum(values) / len(values) for key, values in losses.items() if values}
    members = {cell.arm: cell.languages for cell in reversed(report.roster)}
    for arm in dict.fromkeys(cell.arm for cell in report.roster if cell.arm in arms):
        cells = []
        for language in languages:
            column = [means[other, language] for other in arms if (other, language) in means]
            cells.append(_loss_cell(losses[arm, language], column, own=language in members[arm]))
        runs = len(arms[arm])
        yield HeatRow(
            name=arm,
            detail=f"{runs} run{'' if runs == 1 else 's'}",
            cells=tuple(cells),
            weak=False,
            kind=min(len(members[arm]), 2),
        )


def _loss_cell(values: Sequence[float], column: Sequence[float], *, own: bool) -> HeatCell:
    """The mean of some losses; `column` are all means in the language."""
    if not values:
        return HeatCell(text="n/a", detail="no rows", strength=0.0, own=own, missing=True)
    mean = sum(values) / len(values)
    spread = max(column) - min(column)
    strength = (max(column) - mean) / spread if spread else 0.5
    detail = f"{min(values):.3f}\u2013{max(values):.3f}" if len(values) > 1 else ""
    return HeatCell(text=f"{mean:.3f}", detail=detail, strength=round(strength, 3), own=own)
