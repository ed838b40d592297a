"""Addresses in the page of answers: from a number of the report to the answers and verdicts that it was made of."""

from typing import NamedTuple
from urllib.parse import urlencode

from polyglot.kinds.cells import ArmKey
from polyglot.kinds.report import Report


class AnswerLinks(NamedTuple):
    """`first` is the first cell of each arm, by its seed; empty where there is no page of answers."""

    first: dict[ArmKey, str]

    @classmethod
    def of(cls, report: Report) -> "AnswerLinks":
        """Those of a report."""
        found: dict[ArmKey, str] = {}
        if report.answers:
            for cell in report.roster:
                found.setdefault(cell.arm_key, cell.cell)
        return cls(found)

    def to(self, key: ArmKey, beside: ArmKey | None = None, *, language: str = "", category: str = "") -> str:
        """An arm's answers, in a language and a category; "" where they are not to be had.

        Without `beside` the page shows them beside those that it shows at its start.
        """
        if key not in self.first:
            return ""
        said = {"a": self.first[key]}
        if beside in self.first:
            said["b"] = self.first[beside]
        said |= {name: value for name, value in (("in", language), ("category", category)) if value}
        return f"answers.html#{urlencode(said, safe='/:@,')}"
