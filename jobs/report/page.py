"""Render a report document as one HTML page: no requests, no script, light and dark, print and phone.

Promises: texts of the document are data (jinja escapes them all; drawings are built by escaping formats); equal
documents give equal bytes.
"""

import re

from jinja2 import Environment
from markupsafe import Markup

from jobs.report.numbers import View, whole
from jobs.report.sections import NAMES, OF_DATA, OF_RESULTS
from polyglot.core.pages import templates
from polyglot.kinds.report import DataReport, Report


def render_page(report: Report) -> str:
    """Return the page of a report of results."""
    view = View.of(report)
    shown = [(name, found) for name, show in OF_RESULTS.items() if (found := show(report, view)) is not None]
    template = environment().get_template("page.html.j2")
    return template.render(report=report, view=view, sections=shown, names=NAMES, summary=_summary(report))


def render_data(report: DataReport) -> str:
    """Return the page of a study that was run up to its mixes."""
    shown = [(name, found) for name, show in OF_DATA.items() if (found := show(report, None)) is not None]
    summary = [
        ("Tokenised for", ", ".join(dict.fromkeys(arm.model for arm in report.arms))),
        ("Data", ", ".join(entry.name for entry in report.data)),
        ("Mixes", str(len(report.mixes))),
    ]
    return environment().get_template("data_page.html.j2").render(report=report, sections=shown, summary=summary)


def environment() -> Environment:
    """The templates of the report's pages."""
    made = templates("jobs.report")
    made.filters |= {"breakable": breakable, "whole": whole}
    return made


def breakable(name: str) -> Markup:
    """A mix's name that may break before its form and size and between shares, where a phone is narrow."""
    return Markup("<wbr>").join(re.split(r"(?=[-@])|(?<=,)", name))


def _summary(report: Report) -> list[tuple[str, str]]:
    """The line under the title: what was measured."""
    tuned = [cell for cell in report.roster if cell.mix is not None]
    method = report.method
    return [
        ("Models", ", ".join(dict.fromkeys(cell.model for cell in report.roster))),
        ("Data", ", ".join(dict.fromkeys(cell.dataset for cell in tuned if cell.dataset)) or "none"),
        ("Mixes", str(len({cell.arm_key for cell in tuned}))),
        ("Seeds", str(len({cell.seed for cell in tuned} - {None}))),
        ("Languages", " ".join(method.languages)),
        ("Questions", f"{method.questions} in {len(method.categories)} categories"),
    ]
