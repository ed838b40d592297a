"""Which shares of languages are best, in words.

Promises: a mix is only called better than equal shares if the limits of their difference lie above zero; a mix
that may be the best is one that no other is shown to be better than, which is not to say that it is as good.
"""

from jobs.report.groups import group_title
from jobs.report.numbers import counted, listed, whole, with_limits
from polyglot.kinds.measured import Measured
from polyglot.kinds.metrics import SCORE
from polyglot.kinds.mixtures import BlendRow, MixtureSet
from polyglot.kinds.report import Report

HEADING = "The best shares of languages"
MOST_NAMED = 4
MOST_SETS = 3  # of which the summary tells; of more it is each largest size


def ratio_findings(report: Report) -> list[tuple[str, str]]:
    """Return (heading, sentences) for each set of mixes; why not, where one was asked for."""
    if report.mixtures is None:
        return []
    margin = report.mixtures.margin
    told = told_together(report)
    first = told if len(told) <= MOST_SETS else [one for one in told if is_largest(report, one[1])]
    found = [
        (f"{HEADING}, {title}" if title else HEADING, ratio_sentence(rows[0], margin, report.method.min_seeds))
        for title, rows in first
    ]
    if len(first) < len(told):
        sets = counted(
            len(told) - len(first), "set of mixes of a smaller size is", "sets of mixes of smaller sizes are"
        )
        found.append((f"{HEADING}, fewer ids", f"{sets[:1].upper() + sets[1:]} told of below, each by itself."))
    if margin is not None and not found:
        text = (
            f"Cannot tell: a margin of {margin:g} points was declared, and no mixes here differ in their shares alone."
        )
        return [(HEADING, text)]
    return found


def told_together(report: Report) -> list[tuple[str, list[MixtureSet]]]:
    """Sets by their title; those of one model and data set of which the same cannot be told are one."""
    together: dict[tuple[str, str], list[MixtureSet]] = {}
    for place, row in enumerate(report.mixtures.found if report.mixtures else ()):
        why = str(row.why_not) if row.best is None or row.why_not else str(place)
        together.setdefault((group_title(report, row.trained_on), why), []).append(row)
    found = []
    for (group, _), rows in together.items():
        sizes = [size_of(row) for row in rows if size_of(row)]
        several = listed([*(size.removesuffix(" ids") for size in sizes[:-1]), sizes[-1]]) if sizes else ""
        found.append((", ".join(part for part in (group, several) if part), rows))
    return found


def is_largest(report: Report, rows: list[MixtureSet]) -> bool:
    """Whether a set is of the largest size of its model and data set."""
    sizes = {
        row.size if row.size is not None else float("inf")
        for row in (report.mixtures.found if report.mixtures else ())
        if row.trained_on == rows[0].trained_on
    }
    return any((row.size if row.size is not None else float("inf")) == max(sizes) for row in rows)


def ratio_sentence(row: MixtureSet, margin: float | None, min_seeds: int) -> str:
    """Return what is said of one set."""
    if row.why_not == "one-seed":
        return (
            "Cannot tell: with one training seed a mix, how much training itself varies is not known, and neither is "
            "which mixes are as good as the best."
        )
    if row.best is None or row.why_not:
        return "Cannot tell: fewer than three mixes of one size differ in their shares and have valid verdicts."
    may = [one for one in row.tried if one.may_be_best]
    texts = [f"{len(may)} of {len(row.tried)} mixes may be the best, as none is shown to be better: {_named(may)}."]
    resolves = f"the smallest margin that this study resolves is {row.resolves or 0:.2f} points"
    enough = [one for one in row.tried if one.enough]
    if margin is None:
        texts.append(f"The study declares no margin; {resolves}.")
    elif enough:
        texts.append(f"Shown to be within {margin:g} points of the best: {_named(enough)}.")
    else:
        texts.append(f"None is shown to be within {margin:g} points of the best; {resolves}.")
    texts.append(_over_equal(row))
    if row.blending == "none":
        texts.append(
            "The mixes do not tell every coefficient of a blending model: nothing is said of mixes in between."
        )
    seeds = min(one.seeds for one in row.tried)
    if seeds < min_seeds:
        texts.append(f"With {counted(seeds, 'training seed', 'training seeds')} only.")
    return " ".join(texts)


def _over_equal(row: MixtureSet) -> str:
    """What stands against the bar."""
    if row.equal is None:
        return "Equal shares were not tried, and nothing is said against them."
    better = [one for one in row.tried if one.over_equal.low is not None and one.over_equal.low > 0]
    behind = with_limits(row.equal.behind)
    if not better:
        return f"No mix is shown to be better than equal shares, which are behind the best by {behind} points."
    best = max(better, key=lambda one: one.over_equal.value or 0.0)
    return (
        f"Better than equal shares: {_named(better)}, by up to {with_limits(best.over_equal)} points ({best.arm}); "
        "they stay in the set as the bar."
    )


def _named(rows: list[BlendRow]) -> str:
    """Names of tried mixes, the first few."""
    names = [one.arm or "" for one in rows]
    return (
        listed(names)
        if len(names) <= MOST_NAMED + 1
        else f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"
    )


def size_of(row: MixtureSet) -> str:
    """A set's number of ids; "" where it is all."""
    return "" if row.size is None else f"{whole(row.size)} ids"


def shares_label(shares: dict[str, float]) -> str:
    """Shares in per cent."""
    return " ".join(f"{code} {100 * share:.3g}%" for code, share in shares.items())


def limits_label(found: Measured, *, signed: bool = False) -> tuple[str, str]:
    """A number of a table and its limits."""
    if found.value is None or found.low is None or found.high is None:
        return "", ""
    if not signed:
        return SCORE.show(found.value), f"{SCORE.bare(found.low)}\u2013{SCORE.bare(found.high)}"
    return SCORE.signed(found.value), f"{SCORE.signed(found.low)} to {SCORE.signed(found.high)}"
