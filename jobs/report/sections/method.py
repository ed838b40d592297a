"""How it was made: the method, settings, environments, and how to run it again."""

from jobs.report.view import View
from polyglot.kinds.report import Report


def show(report: Report, view: View) -> Report:
    """Return what the section shows: all of it stands in the report."""
    return report
