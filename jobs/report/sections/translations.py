"""Where the page about translations lies."""

from jobs.report.view import View
from polyglot.kinds.report import DataReport, Report


def show(report: Report | DataReport, view: View | None) -> tuple[str, ...] | None:
    """Return the names of the translations that were assessed; None where none was."""
    return report.checks or None
