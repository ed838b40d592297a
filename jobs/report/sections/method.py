"""How it was made: the method, settings, environments, and how to run it again."""

from dataclasses import dataclass

from jobs.report.numbers import whole
from jobs.report.view import View
from polyglot.kinds.report import Execution, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """`facts` are settings by name."""

    study: str
    resamples: str
    min_seeds: int
    facts: dict[str, str]
    executions: tuple[Execution, ...]


def show(report: Report, view: View) -> Method:
    """Return what the section shows."""
    return Method(
        study=report.study,
        resamples=whole(report.method.resamples),
        min_seeds=report.method.min_seeds,
        facts=report.facts,
        executions=report.executions,
    )
