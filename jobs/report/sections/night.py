"""The night: its verdict, the figures behind it, and how the anchors' scores moved over the nights."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from jobs.report.numbers import View
from jobs.report.plots.lines import POINTS, Line, draw_lines
from jobs.report.plots.scale import linear
from polyglot.kinds.drift import CellDrift, Drift, LanguageDrift, NightDrift
from polyglot.kinds.metrics import MISSING, SCORE
from polyglot.kinds.report import Report

_LISTED = 14  # nights in the table
_NONE = -700.0  # evidence that files of version 1 have where no anchor has a score


class Row(NamedTuple):
    """Anchors in one language."""

    language: str
    verdicts: int
    failed: int
    mean: str
    difference: str
    flips: str
    flips_before: str


class Panel(NamedTuple):
    """The moving average of one language."""

    name: str
    plot: Markup
    left: str
    right: str


class CellRow(NamedTuple):
    """The new answers of one cell."""

    cell: str
    answers: str
    difference: str
    evidence: str


class Shown(NamedTuple):
    """What the template shows."""

    drift: Drift
    baseline: str
    rows: tuple[Row, ...]
    categories: tuple[tuple[str, int, str], ...]
    cells: tuple[CellRow, ...]
    panels: tuple[Panel, ...]
    nights: tuple[NightDrift, ...]
    blocked: tuple[str, ...]  # nights with which a baseline began
    evidence: str  # against the judge
    cell_limit: str  # "" where it is not recorded


def show(report: Report, view: View) -> Shown | None:
    """Return what the section shows; None of a report that is of no night."""
    if not report.drift:
        return None
    drift = report.drift
    return Shown(
        drift=drift,
        baseline=f"the night {drift.baseline}" if drift.baseline else "the study's own verdicts",
        rows=tuple(_row(row) for row in drift.languages),
        categories=tuple((row.category, row.verdicts, SCORE.signed(row.difference)) for row in drift.categories),
        cells=tuple(_cell(row) for row in drift.cells),
        panels=tuple(_panels(drift)),
        nights=drift.history[::-1][:_LISTED],
        blocked=tuple(night.night for night in drift.history if night.fresh),
        evidence=_evidence(drift.evidence),
        cell_limit="" if drift.cell_limit is None else f"{drift.cell_limit:.1f}",
    )


def _row(row: LanguageDrift) -> Row:
    return Row(
        language=row.language,
        verdicts=row.verdicts,
        failed=row.failed,
        mean=SCORE.show(row.mean),
        difference=SCORE.signed(row.difference),
        flips=_share(row.flips),
        flips_before=_share(row.flips_before),
    )


def _evidence(value: float | None) -> str:
    return MISSING if value is None or value <= _NONE else f"{value:.1f}"


def _share(value: float | None) -> str:
    return MISSING if value is None else f"{100 * value:.1f}%"


def _cell(row: CellDrift) -> CellRow:
    said = f"other bytes in {', '.join(row.differ)}" if row.differ else "the same bytes"
    said += "; other weights" if row.model_changed else ""
    said += "; computed elsewhere" if row.environment_changed and not row.served_by else ""
    evidence = "" if row.evidence is None else f"{row.evidence:.1f}"
    return CellRow(cell=row.cell, answers=said, difference=SCORE.signed(row.difference), evidence=evidence)


def _panels(drift: Drift) -> Iterator[Panel]:
    """One a language, all on one axis; a line ends where a baseline does."""
    shown = drift.history[-POINTS:]
    values = [value for night in shown for value in night.ewma.values() if value is not None]
    if len(shown) < 2 or not values:
        return
    scale = linear([*values, 0.5, -0.5], ticks=4, zero=True)
    for language in shown[-1].ewma:
        lines = [Line(corners=corners, dots=len(corners) == 1) for corners in _pieces(shown, language)]
        last = shown[-1].ewma[language]
        text = f"Moving average of the anchors' differences, {language}: {SCORE.signed(last)} points now"
        yield Panel(
            name="all languages" if language == "all" else language,
            plot=draw_lines(scale, lines, text, height=110, labels=True),
            left=shown[0].night[:10],
            right=SCORE.signed(last),
        )


def _pieces(nights: Sequence[NightDrift], language: str) -> Iterator[list[tuple[float, float]]]:
    """The corners of the lines between the beginnings of baselines."""
    piece: list[tuple[float, float]] = []
    for index, night in enumerate(nights):
        value = night.ewma.get(language)
        if value is not None:
            piece.append((round(100 * index / (len(nights) - 1), 2), value))
        if night.fresh and piece:
            yield piece
            piece = []
    if piece:
        yield piece
