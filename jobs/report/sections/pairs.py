"""Answers in pairs: who wins between two arms, by a judge that saw both in both orders."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from jobs.report.answer_links import AnswerLinks
from jobs.report.folds import folded
from jobs.report.numbers import View, share
from jobs.report.plots.dots import Dot, draw_axis, draw_dots
from jobs.report.plots.scale import Scale, linear
from polyglot.core.records import UNSET
from polyglot.kinds.cells import AGAIN
from polyglot.kinds.measured import Measured
from polyglot.kinds.metrics import MINUS, MISSING
from polyglot.kinds.reliability import PairResult
from polyglot.kinds.report import Report

WHOLE = "all"


class Row(NamedTuple):
    """Two arms over all languages; `said` is what the interval allows to say."""

    first: str
    second: str
    rate: str
    limits: str
    said: str
    plot: Markup
    href: str


class Field(NamedTuple):
    """Two arms in one language."""

    first: str
    second: str
    language: str
    judge: str  # "" of the study's own; of a panel what its arms end with
    wins: str
    ties: str
    losses: str
    inconsistent: str
    both_bad: str
    unscored: str
    bounds: str


class Figure(NamedTuple):
    """The pairs of one model and data set."""

    group: str
    rows: tuple[Row, ...]
    folded: tuple[Row, ...]


class Pairs(NamedTuple):
    """All pairs of arms, and each by language."""

    axis: Markup
    figures: tuple[Figure, ...]
    fields: tuple[Field, ...]
    imported: bool  # whether others judged some of them


def show(report: Report, view: View) -> Pairs | None:
    """Return what the section shows; None where nothing was compared in pairs."""
    results = report.reliability.results if report.reliability else ()
    if not results:
        return None
    languages = {row.language for row in results}
    whole = [row for row in results if row.language == WHOLE or len(languages) == 1]
    known = [100 * limit for row in whole for limit in (row.rate.low, row.rate.high) if limit is not None]
    scale = linear([50.0, *known])
    imported = any(row.judge is not UNSET for row in results)
    links = AnswerLinks.of(report)
    grouped: dict[str, list[PairResult]] = {}
    for row in whole:
        grouped.setdefault(_group(row), []).append(row)
    return Pairs(
        axis=draw_axis(scale, "Axis: share of the first, wins and half of the ties, in %"),
        figures=tuple(
            _figure(group if len(grouped) > 1 or imported else "", rows, scale, links)
            for group, rows in grouped.items()
        ),
        fields=tuple(_field(row) for row in results),
        imported=imported,
    )


def _figure(group: str, rows: Sequence[PairResult], scale: Scale, links: AnswerLinks) -> Figure:
    """Of very many pairs the first ones stand open."""
    shown, rest = folded(rows, is_open=lambda row: False)
    return Figure(
        group=group,
        rows=tuple(_row(row, scale, links) for row in shown),
        folded=tuple(_row(row, scale, links) for row in rest),
    )


def _group(row: PairResult) -> str:
    """Model and data set of the arms, whichever of them has one; who judged them, where that was not done here."""
    if row.judge is not UNSET:
        return f"Not judged here: by {row.judge}, read from files"
    tuned = [key for key in (row.first, row.second) if key.dataset]
    key = tuned[0] if tuned else row.first
    return " on ".join(part for part in (key.model, key.dataset) if part)


def _row(row: PairResult, scale: Scale, links: AnswerLinks) -> Row:
    rate = row.rate
    if rate.value is None or rate.low is None or rate.high is None:
        return Row(row.first.arm, row.second.arm, MISSING, "", "no verdict in both orders", Markup(""), "")
    low, high = 100 * rate.low, 100 * rate.high
    tone = "up" if low > 50 else "down" if high < 50 else "even"
    said = {"up": "the first wins more often", "down": "the second wins more often", "even": "no difference shown"}
    title = f"{row.first.arm} against {row.second.arm}: {100 * rate.value:.0f}% ({low:.0f} to {high:.0f}%)"
    dot = Dot(point=100 * rate.value, low=low, high=high, tone=tone)
    return Row(
        first=row.first.arm,
        second=row.second.arm,
        rate=f"{100 * rate.value:.0f}%",
        limits=f"{low:.0f}\u2013{high:.0f}",
        said=said[tone],
        plot=draw_dots(scale, [dot], title),
        href=links.to(row.first, row.second),
    )


def _field(row: PairResult) -> Field:
    bounds = [row.rate_at_least, row.rate_at_most]
    known = [100 * bound for bound in bounds if bound is not None]
    return Field(
        first=row.first.arm,
        second=row.second.arm,
        language=row.language,
        judge=row.first.arm.partition(AGAIN)[2] if row.judge is UNSET else f"{row.judge}, not here",
        wins=percent(row.wins),
        ties=percent(row.ties),
        losses=percent(row.losses),
        inconsistent=percent(row.inconsistent),
        both_bad=percent(row.both_bad),
        unscored=str(row.unscored),
        bounds=f"{known[0]:.0f}\u2013{known[1]:.0f}%" if row.unscored and len(known) == 2 else "",
    )


def percent(found: Measured) -> str:
    """A share in per cent."""
    return MISSING if found.value is None else share(found.value, 1.0)


def limits(found: Measured, factor: float = 100.0, digits: int = 0) -> str:
    """The limits of a figure, "" where there are none."""
    if found.low is None or found.high is None:
        return ""
    low, high = (f"{factor * limit:.{digits}f}".replace("-", MINUS) for limit in (found.low, found.high))
    return f"{low} to {high}" if MINUS in low + high else f"{low}\u2013{high}"
