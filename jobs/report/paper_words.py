"""What the paper that this kind of study repeats says, beside what was measured here (arXiv 2402.13703, abstract).

It publishes one figure, the gain "by up to 9.9 %", which the section on gains sets beside every reading of it. Of its
other findings it says the direction.
"""

from collections.abc import Iterator

from jobs.report.groups import extents
from jobs.report.significance import says
from polyglot.kinds.aggregate import ContrastResult
from polyglot.kinds.cells import Family
from polyglot.kinds.metrics import Metric
from polyglot.kinds.report import Report

ENGLISH = "EN"
PAPER = "The paper (arXiv 2402.13703)"
HEADING = "Beside the paper"


def paper_findings(report: Report, metric: Metric) -> list[tuple[str, str]]:
    """(heading, sentences), of those findings that the study has contrasts for."""
    told = [*_parallel(report, metric), *_without_english(report, metric)]
    return [(HEADING, " ".join(told))] if told else []


def _parallel(report: Report, metric: Metric) -> Iterator[str]:
    rows = [row for row in report.contrasts if row.family == Family.PARALLEL_MEAN and not row.primary]
    known = [found for row in rows if (found := metric.of(row)).value is not None]
    if known:
        higher, lower = sum(found.told > 0 for found in known), sum(found.told < 0 for found in known)
        of = f"{len(known)} contrast{'s' * (len(known) > 1)}"
        yield (
            f"{PAPER} says that parallel tuning beats monolingual tuning; here a parallel mix is higher than the mean "
            f"of its monolingual mixes in {higher} of {of}, lower in {lower}, and in {len(known) - higher - lower} "
            "nothing is shown."
        )


def _without_english(report: Report, metric: Metric) -> Iterator[str]:
    """Leaving out English, on the languages that both mixes have."""
    extent = extents(report)
    row = max(
        (row for row in report.contrasts if row.family == Family.WHOLE_PART and _adds_english(report, row)),
        key=lambda row: extent[row.treatment[0]],
        default=None,
    )
    if row is not None:
        verb, amount = says(row, metric, f" {metric.unit}", report.method)
        yield (
            f"{PAPER} says that leaving English out of a parallel mix costs quality; here, on the languages of both, "
            f"{row.treatment[0].arm} {verb} {row.control[0].arm} {amount}."
        )


def _adds_english(report: Report, row: ContrastResult) -> bool:
    members = {cell.arm_key: set(cell.languages) for cell in report.roster if not cell.sampled}
    sides = [members.get(keys[0], set()) if keys else set() for keys in (row.treatment, row.control)]
    return sides[0] - sides[1] == {ENGLISH}
