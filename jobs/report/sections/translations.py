"""Where the page about translations lies."""

from dataclasses import dataclass

from jobs.report.view import View
from polyglot.kinds.report import DataReport, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Translations:
    """How many translations were assessed."""

    checks: int


def show(report: Report | DataReport, view: View | None) -> Translations | None:
    """Return what the section shows; None where no translation was assessed."""
    return Translations(checks=len(report.checks)) if report.checks else None
