"""What the summary says of what no contrast asks: languages outside of a mix, categories, answers in pairs."""

from collections.abc import Iterator

from jobs.report.groups import arm_scores, arms_of, extents, group_title, groups, largest_sizes
from jobs.report.numbers import counted, listed
from polyglot.core.records import UNSET
from polyglot.kinds.cells import AGAIN, ArmKey
from polyglot.kinds.metrics import Metric
from polyglot.kinds.report import Report
from polyglot.kinds.strengths import StrengthTable

MOST_NAMED = 3


def section_findings(report: Report, metric: Metric) -> Iterator[tuple[str, str]]:
    """(heading, sentence) of each model and data set."""
    for group in groups(report):
        title = group_title(report, group)
        behind = f", {title}" if title else ""
        main = _main(report, group)
        yield f"Languages outside of a mix{behind}", _outside(report, group, metric)
        if main is not None:
            yield f"By category{behind}", _by_category(report, main, metric)
    yield "In pairs", " ".join(map(_pairs, _whole(report)))


def _main(report: Report, group: tuple[str, str | None]) -> ArmKey | None:
    """The mix of most languages at its largest size."""
    extent = extents(report)
    keys = [key for key in arms_of(report, group) if key.dataset and AGAIN not in key.arm]
    return max(keys, key=lambda key: extent[key], default=None)


def _outside(report: Report, group: tuple[str, str | None], metric: Metric) -> str:
    """How mixes do in the languages that they lack, beside their own and the model as it came."""
    rows, largest = arm_scores(report), largest_sizes(report)
    found = []
    for key in arms_of(report, group):
        inside, outside = rows.get((key, "in-mix")), rows.get((key, "out-of-mix"))
        if inside and outside and key in largest and AGAIN not in key.arm and metric.of(outside).value is not None:
            found.append((key, metric.of(inside), metric.of(outside)))
    if not found:
        return ""
    ends = [min(found, key=lambda one: one[2].value or 0.0), max(found, key=lambda one: one[2].value or 0.0)]
    told = [
        f"{key.arm} {metric.show(far.value)} ({metric.interval(far)}), and {metric.show(near.value)} "
        f"({metric.interval(near)}) in its own"
        for key, near, far in ends[: min(len(found), 2)]
    ]
    text = f"Of {counted(len(found), 'mix', 'mixes')} at the largest size, in the languages that they lack: "
    text += f"least {told[0]}; most {told[1]}." if len(told) > 1 else f"{told[0]}."
    untuned = rows.get((ArmKey.untuned(group[0]), "all"))
    if untuned and (base := metric.of(untuned)).value is not None:
        text += f" Untuned, the model reaches {metric.show(base.value)} ({metric.interval(base)}) over all languages."
    return text


def _by_category(report: Report, key: ArmKey, metric: Metric) -> str:
    """Where the main mix is strongest and weakest, and which categories that leaves apart."""
    parts = [
        (row.category, metric.of(row))
        for row in report.breakdown
        if row.arm_key == key and row.category is not None and metric.of(row).value is not None
    ]
    if len(parts) < 2:
        return ""
    low, high = min(parts, key=lambda part: part[1].value or 0.0), max(parts, key=lambda part: part[1].value or 0.0)
    text = f"{key.arm} reaches most in {high[0]}, {metric.show(high[1].value)} ({metric.interval(high[1])}), and least "
    text += f"in {low[0]}, {metric.show(low[1].value)} ({metric.interval(low[1])})"
    if low[1].high is None or high[1].low is None or low[1].high >= high[1].low:
        return f"{text}: their intervals overlap, and no category is told from another by them."
    return f"{text}; categories are of different questions, and no contrast tests them."


def _whole(report: Report) -> list[StrengthTable]:
    """Tables over all languages, one for each set of arms that met."""
    tables = (report.reliability.strengths if report.reliability else UNSET) or ()
    languages = {table.language for table in tables}
    return [table for table in tables if table.language == "all" or len(languages) == 1]


def _pairs(table: StrengthTable) -> str:
    """How many arms pairs tell apart, and the strongest tie group."""
    ranked = [row for row in table.arms if row.letters]
    if len(ranked) < 2:
        return "Pairs tell no arms apart." if table.arms else ""
    gaps = [(one, other) for place, one in enumerate(ranked) for other in ranked[place + 1 :]]
    apart = sum(not set(one.letters) & set(other.letters) for one, other in gaps)
    top = [row.arm.arm for row in ranked[1:] if set(row.letters) & set(ranked[0].letters)]
    named = (
        ""
        if not top
        else listed(top)
        if len(top) <= MOST_NAMED
        else f"{', '.join(top[:MOST_NAMED])} and {len(top) - MOST_NAMED} more"
    )
    of = f"By {table.judge}: of" if table.judge else "Of"
    return (
        f"{of} {len(gaps)} pairs of {len(ranked)} arms {apart} are told apart, all gaps looked at together, and "
        f"{len(gaps) - apart} are not; the strongest, {ranked[0].arm.arm}, is in one tie group with "
        f"{named or 'no other'}."
    )
