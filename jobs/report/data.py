"""The page of a study that was run up to its mixes: what its data hold, what is wrong with them, what each mix has.

Promises: as for the page of results, whose tables these are.
"""

from collections.abc import Mapping
from typing import Any

from jobs.report import tables
from jobs.report.page import breakable
from polyglot.core.pages import templates


def render_data(report: Mapping[str, Any]) -> str:
    """Return the page of a document as jobs.report.job gathers it from mixes."""
    environment = templates("jobs.report")
    environment.filters["breakable"] = breakable
    languages, mixes = tables.mix_rows(report)
    return environment.get_template("data_page.html.j2").render(
        report=report,
        mix_languages=languages,
        mixes=mixes,
        overlaps=tables.overlap_tables(report),
        data=tables.data_cards(report),
        summary=[
            ("Tokenised for", ", ".join(dict.fromkeys(arm["model"] for arm in report["arms"]))),
            ("Data", ", ".join(entry["name"] for entry in report["data"])),
            ("Mixes", str(len(report["mixes"]))),
        ],
    )
