"""How a report is divided: by model and data set, arms within them, languages in one order."""

from collections.abc import Callable, Mapping, Sequence

from polyglot.core.languages import language_rank
from polyglot.kinds.aggregate import UNTUNED, ArmKey, ArmScore
from polyglot.kinds.report import DataReport, Report

Group = tuple[str, str | None]  # model and data set


def groups(report: Report | DataReport) -> list[Group]:
    """The pairs with tuned arms, in the report's order; untuned models stand with each of theirs."""
    rows = [row.trained_on for row in report.arms]
    tuned = [(model, dataset) for model, dataset in rows if dataset is not None]
    alone = [(model, None) for model, _ in rows if model not in {model for model, _ in tuned}]
    return list(dict.fromkeys([*tuned, *alone]))


def group_title(report: Report | DataReport, group: Group) -> str:
    """A group's name, empty when the report has one group alone."""
    return "" if len(groups(report)) == 1 else " on ".join(part for part in group if part)


def arms_of(report: Report, group: Group) -> list[ArmKey]:
    """The arms of a group, its untuned model first."""
    keys = dict.fromkeys(row.arm_key for row in report.arms)
    return [key for key in keys if key.model == group[0] and key.dataset in (None, group[1])]


def arm_scores(report: Report) -> Mapping[tuple[ArmKey, str], ArmScore]:
    """The rows of arms by language or group of languages."""
    return {(row.arm_key, row.language): row for row in report.arms}


def untuned_key(model: str) -> ArmKey:
    """The arm that is a base model as it came."""
    return ArmKey(model, None, UNTUNED)


def languages_of(report: Report) -> Mapping[ArmKey, Sequence[str]]:
    """The languages of each arm's mix."""
    return {cell.arm_key: cell.languages for cell in report.roster}


def place_in(report: Report | DataReport) -> Callable[[str], tuple[int, tuple[int, str]]]:
    """A sort key: the benchmark's languages in its own order, then others in that of mix names."""
    asked = report.method.languages
    return lambda code: (asked.index(code) if code in asked else len(asked), language_rank(code))
