"""The main results with and without the questions whose published reference answers are known to be wrong."""

from collections.abc import Iterator
from typing import NamedTuple

from jobs.report.groups import arms_of, group_title, groups
from jobs.report.numbers import View
from polyglot.kinds.aggregate import ArmScore, ContrastResult, Estimate
from polyglot.kinds.metrics import Metric
from polyglot.kinds.report import Report


class Row(NamedTuple):
    """An arm or a contrast: its value and limits over all questions and without those, and what they change."""

    name: str
    every: str
    every_limits: str
    fewer: str
    fewer_limits: str
    change: str


class Table(NamedTuple):
    """The arms or the contrasts of a model and data set."""

    title: str
    rows: tuple[Row, ...]


class WrongReferences(NamedTuple):
    """What the section shows; `shown_without` says which of the two the other sections show."""

    wrong: tuple[str, ...]
    every: int
    fewer: int
    shown_without: bool
    arms: tuple[Table, ...]
    contrasts: tuple[Table, ...]


def show(report: Report, view: View) -> WrongReferences | None:
    """Return what the section shows; None where no reference is known to be wrong."""
    other = report.other_questions
    if other is None:
        return None
    shown_without = other.questions > report.method.questions
    return WrongReferences(
        wrong=other.wrong,
        every=max(other.questions, report.method.questions),
        fewer=min(other.questions, report.method.questions),
        shown_without=shown_without,
        arms=tuple(_arms(report, other.arms, view.metric, shown_without)),
        contrasts=tuple(_contrasts(report, other.contrasts, view.metric, shown_without)),
    )


def _arms(report: Report, others: tuple[ArmScore, ...], metric: Metric, shown_without: bool) -> Iterator[Table]:
    own = {row.arm_key: row for row in report.arms if row.language == "all"}
    other = {row.arm_key: row for row in others}
    for group in groups(report):
        rows = (_pair(key.arm, own[key], other[key], metric, shown_without) for key in arms_of(report, group))
        yield Table(title=group_title(report, group), rows=tuple(rows))


def _contrasts(
    report: Report, others: tuple[ContrastResult, ...], metric: Metric, shown_without: bool
) -> Iterator[Table]:
    pairs = list(zip(report.contrasts, others, strict=True))
    for group in dict.fromkeys(row.trained_on for row in report.contrasts):
        rows = (_pair(own.name, own, other, metric, shown_without) for own, other in pairs if own.trained_on == group)
        yield Table(title=group_title(report, group), rows=tuple(rows))


def _pair(
    name: str, own: ArmScore | ContrastResult, other: ArmScore | ContrastResult, metric: Metric, shown_without: bool
) -> Row:
    every, fewer = (metric.of(row) for row in ((other, own) if shown_without else (own, other)))
    of_arm = isinstance(own, ArmScore)

    def text(found: Estimate) -> tuple[str, str]:
        if of_arm:
            return metric.show(found.value), metric.interval(found)
        return metric.signed(found.value), metric.signed_interval(found)

    change = None if every.value is None or fewer.value is None else fewer.value - every.value
    return Row(name, *text(every), *text(fewer), metric.signed(change))
