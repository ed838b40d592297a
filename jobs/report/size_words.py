"""How few instructions suffice, in words: one sentence a mix, and the gap of each size to the largest one.

Promises: a size is said to suffice only if all larger ones do, by the margin that the study declared; numbers of ids
are always relative to the largest size that was tried.
"""

from collections import Counter
from collections.abc import Iterator

from jobs.report.groups import group_title
from jobs.report.numbers import counted, listed, whole, with_limits
from polyglot.kinds.report import Report
from polyglot.kinds.thresholds import SizeGap, Threshold

HEADING = "How few instructions suffice"
MOST_MIXES = 6  # of which the summary tells one by one


def size_findings(report: Report) -> list[tuple[str, str]]:
    """Return (heading, sentences) for each model and data set with mixes at several sizes; why not, where asked."""
    if report.thresholds is None:
        return []
    margin, grouped = report.thresholds.margin, dict[str, list[Threshold]]()
    for row in report.thresholds.found:
        heading = ", ".join(part for part in (HEADING, group_title(report, row.trained_on)) if part)
        grouped.setdefault(heading, []).append(row)
    if margin is not None and not grouped:
        return [
            (HEADING, f"Cannot tell: a margin of {margin:g} points was declared, and no mix here has several sizes.")
        ]
    return [(heading, _all(rows, margin, report.method.min_seeds)) for heading, rows in grouped.items()]


def _all(rows: list[Threshold], margin: float | None, min_seeds: int) -> str:
    """A sentence a mix, or several of which it is the same; of many that of most languages, and how the others are."""
    said = dict[str, list[str]]()
    for row in rows:
        said.setdefault(_said(row, margin, min_seeds), []).append(row.mix)
    if len(said) == 1 and len(rows) > MOST_MIXES:
        return f"Each of {len(rows)} mixes: {next(iter(said))}"
    if len(said) <= MOST_MIXES:
        return " ".join(f"{listed(mixes)}: {text}" for text, mixes in said.items())
    main = max(rows, key=lambda row: len(row.on))
    others = [row for row in rows if row is not main]
    ways = Counter(_way(row, margin) for row in others)
    told = [f"{number} {way}" for way, number in ways.items()]
    return (
        f"{size_sentence(main, margin, min_seeds)} Of {len(others)} other mixes {listed(told)}: each is told of below."
    )


def _way(row: Threshold, margin: float | None) -> str:
    if margin is None or row.answer in ("one-seed", "undeclared") or row.resolves is None:
        return "cannot be decided"
    if row.sufficient is not None:
        return "need no more than a smaller size"
    return "need more than some size" if row.short is not None else "are unresolved"


def size_sentence(row: Threshold, margin: float | None, min_seeds: int) -> str:
    """Return what is said of one mix."""
    return f"{row.mix}: {_said(row, margin, min_seeds)}"


def _said(row: Threshold, margin: float | None, min_seeds: int) -> str:
    largest = f"{size_label(row.largest)}, the largest size tried"
    if row.answer == "one-seed":
        return (
            "cannot tell; with one training seed a size, how much training itself varies is not known, and "
            "neither is how few instructions suffice."
        )
    if row.resolves is None:
        return "cannot tell; a size has no valid verdicts."
    resolves = f"the smallest margin that this study resolves is {row.resolves:.2f} points"
    if row.answer == "undeclared" or margin is None:
        return f"the study declares no margin, so no size is said to suffice; {resolves}."
    gaps = {gap.size: gap for gap in row.gaps}
    scope = "" if row.seeds >= min_seeds else f" With {counted(row.seeds, 'training seed', 'training seeds')} only."
    if row.sufficient is not None:
        text = (
            f"{size_label(row.sufficient)} suffice (\u2264 {whole(row.sufficient)}): they are behind "
            f"{largest}, by {with_limits(gaps[row.sufficient].gap)} points, less than the margin of {margin:g}"
        )
        short = f", while {size_label(row.short)} fall short" if row.short is not None else ""
        return f"{text}{short}.{scope}"
    if row.short is not None:
        return (
            f"more than {size_label(row.short)} are needed (> {whole(row.short)}): they are behind "
            f"{largest}, by {with_limits(gaps[row.short].gap)} points, more than the margin of {margin:g}.{scope}"
        )
    nearest = row.gaps[-1]
    return (
        f"unresolved; {size_label(nearest.size)} are behind {largest}, by "
        f"{with_limits(nearest.gap)} points, which may be within the margin of {margin:g} or beyond it; "
        f"{resolves}.{scope}"
    )


def gap_rows(row: Threshold, margin: float | None) -> Iterator[tuple[str, str, str, str]]:
    """Yield size, seeds, gap and what it is for each size but the largest, smallest first."""
    for gap in row.gaps:
        yield whole(gap.size), str(gap.seeds), with_limits(gap.gap), _what(row, gap, margin)


def _what(row: Threshold, gap: SizeGap, margin: float | None) -> str:
    if margin is None or row.answer == "one-seed":
        return "not decided"
    if row.sufficient is not None and gap.size >= row.sufficient:
        return "suffices"
    if row.short is not None and gap.size <= row.short:
        return "falls short"
    if gap.gap.high is not None and gap.gap.high < margin:
        return "within the margin, but a larger size is not shown to be"
    return "open"


def size_label(size: int | None) -> str:
    """A number of ids."""
    return "all ids" if size is None else f"{whole(size)} ids"
