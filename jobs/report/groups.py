"""How a report is divided: by model and data set, arms within them, languages in one order."""

from collections.abc import Callable, Collection, Mapping, Sequence

from polyglot.core.languages import language_rank
from polyglot.kinds.aggregate import ArmScore, RosterCell
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.report import DataReport, Report

Group = tuple[str, str | None]  # model and data set
Common = tuple[str | None, str | None]  # those that both sides of a contrast have


def groups(report: Report | DataReport) -> list[Group]:
    """The pairs with tuned arms, in the report's order; what is not tuned stands with each of them."""
    rows: dict[Group, None] = {}
    for row in report.arms:  # thousands of a large study: of few it need be asked whether they are baselines
        if row.trained_on not in rows and not row.arm_key.is_baseline:
            rows[row.trained_on] = None
    tuned = [(model, dataset) for model, dataset in rows if dataset is not None]
    models = {model for model, _ in tuned}
    alone = [(model, None) for model, _ in rows if model not in models]
    return list(dict.fromkeys([*tuned, *alone]))


def group_title(report: Report | DataReport, group: Group | Common) -> str:
    """A group's name, empty when the report has one group alone."""
    return "" if len(groups(report)) == 1 else " on ".join(part for part in group if part)


def arms_of(report: Report, group: Group) -> list[ArmKey]:
    """The arms of a group, what is not tuned first: its untuned model, and the baselines."""
    keys = dict.fromkeys(row.arm_key for row in report.arms)
    own = [key for key in keys if key.is_baseline or (key.model == group[0] and key.dataset in (None, group[1]))]
    return sorted(own, key=lambda key: key.dataset is not None)


def arm_scores(report: Report) -> Mapping[tuple[ArmKey, str], ArmScore]:
    """The rows of arms by language or group of languages."""
    return {(row.arm_key, row.language): row for row in report.arms}


def languages_of(report: Report) -> Mapping[ArmKey, Sequence[str]]:
    """The languages of each arm's mix."""
    return {cell.arm_key: cell.languages for cell in report.roster}


def extents(report: Report) -> Mapping[ArmKey, tuple[int, float]]:
    """How wide and how large the mix of each arm is: the widest at its largest size has the highest."""
    return {cell.arm_key: cell.extent for cell in report.roster}


def largest_sizes(report: Report) -> Collection[ArmKey]:
    """Each mix at its largest size; what is not tuned has one."""
    found: dict[tuple[Group, str], RosterCell] = {}
    for cell in report.roster:
        form = cell.arm_key.trained_on, cell.form
        if form not in found or cell.extent > found[form].extent:
            found[form] = cell
    return frozenset(cell.arm_key for cell in found.values())


def place_in(report: Report | DataReport) -> Callable[[str], tuple[int, tuple[int, str]]]:
    """A sort key: the benchmark's languages in its own order, then others in that of mix names."""
    asked = report.method.languages
    return lambda code: (asked.index(code) if code in asked else len(asked), language_rank(code))
