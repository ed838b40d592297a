"""Where each number comes from: the keys of the stages behind every cell."""

from jobs.report.view import View
from polyglot.kinds.report import Provenance, Report


def show(report: Report, view: View) -> tuple[Provenance, ...] | None:
    """Return what the section shows; None without cells."""
    return report.provenance or None
