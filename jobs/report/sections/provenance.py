"""Where each number comes from: the keys of the stages behind every cell."""

from dataclasses import dataclass

from jobs.report.view import View
from polyglot.kinds.report import Provenance, Report, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """All cells."""

    rows: tuple[Provenance, ...]

    def named(self, step: Step) -> str:
        """A stage's kind, with the language or data set where a cell has several of the kind."""
        name = step.role.removeprefix("tokens:").removeprefix("data:")
        return f"{step.kind} {name}" if step.kind in ("tokenize", "ingest") else step.kind


def show(report: Report, view: View) -> Cells | None:
    """Return what the section shows; None without cells."""
    return Cells(rows=report.provenance) if report.provenance else None
