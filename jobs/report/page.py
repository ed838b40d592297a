"""Render a report document as one HTML page: no requests, no script, light and dark, print and phone.

Promises: texts of the document are data (jinja escapes them all; drawings are built by escaping formats); equal
documents give equal bytes.
"""

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from jobs.report import answer, figures, tables, validation
from jobs.report.numbers import EXACT, SCORE, TENS, whole
from polyglot.core.pages import templates


def render_page(report: Mapping[str, Any]) -> str:
    """Return the page of a report document (the content of report.json)."""
    environment = templates("jobs.report")
    environment.filters["breakable"] = breakable
    first, second = (EXACT, SCORE) if report["metric"] == "exact" else (SCORE, TENS)
    mix_languages, mixes = tables.mix_rows(report)
    return environment.get_template("page.html.j2").render(
        report=report,
        metric=first,
        other=second,
        level=f"{100 * report['method']['level']:g}%",
        lead=answer.lead(report, first),
        findings=answer.findings(report, first),
        caveats=answer.caveats(report),
        score_tables=list(tables.score_tables(report, first)),
        other_tables=list(tables.score_tables(report, second)),
        contrast_figures=figures.contrast_figures(report, first),
        transfer_figures=figures.transfer_figures(report, first),
        size_figures=figures.size_figures(report, first),
        category_tables=list(tables.category_tables(report, first)),
        mix_languages=mix_languages,
        mixes=mixes,
        overlaps=tables.overlap_tables(report),
        training=figures.training_panels(report),
        packing=validation.packing_summary(report),
        validation=list(validation.validation_tables(report)),
        data=tables.data_cards(report),
        judge=tables.judge_summary(report),
        summary=_summary(report),
        resamples=whole(report["method"]["resamples"]),
    )


def breakable(name: str) -> Markup:
    """A mix's name that may break before its form and size, where a phone is narrow."""
    return Markup("<wbr>").join(re.split(r"(?=[-@])", name))


def _summary(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The line under the title: what was measured."""
    roster = report["roster"]
    tuned = [cell for cell in roster if cell["mix"] is not None]
    method = report["method"]
    seeds = sorted({cell["seed"] for cell in tuned if cell["seed"] is not None})
    entries = [
        ("Models", ", ".join(dict.fromkeys(cell["model"] for cell in roster))),
        ("Data", ", ".join(dict.fromkeys(cell["dataset"] for cell in tuned)) or "none"),
        ("Mixes", str(len({(cell["model"], cell["dataset"], cell["arm"]) for cell in tuned}))),
        ("Seeds", str(len(seeds))),
        ("Languages", " ".join(method["languages"])),
        ("Questions", f"{method['questions']} in {len(method['categories'])} categories"),
    ]
    return entries
