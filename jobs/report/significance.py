"""What is said of tests: the primary contrast, how many comparisons there are, and the verb that each allows."""

from collections import Counter
from collections.abc import Sequence

from jobs.report.families import WORDINGS
from jobs.report.groups import group_title
from jobs.report.numbers import counted, listed, seeds, share, whole
from polyglot.core.student import student_quantile
from polyglot.kinds.aggregate import ContrastResult, Method
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.metrics import Metric
from polyglot.kinds.report import Report

FEW, MANY = 3, 6  # seeds, and contrasts of a family, that do not go together
MOST_NAMED = 2  # arms of a side that a sentence names
NO_PRIMARY = (
    "No contrast is primary: the study file names none, and no mix of several languages is compared with EN at its "
    "size. Every comparison is adjusted for the others of its family."
)


def says(row: ContrastResult, metric: Metric, unit: str, method: Method) -> tuple[str, str]:
    """The verb of a comparison, and the amount with its limits; unsigned where the verb has the sign."""
    found = metric.of(row)
    if found.value is None or found.low is None or found.high is None:
        return "cannot be compared with", "(nothing to average)"
    if row.failed_share is not None and not method.allows(row.failed_share):
        amount = f"{metric.signed(found.value)}{unit} ({metric.signed_interval(found)}"
        return "is not ranked against", f"at {amount}; {share(row.failed_share, 1)} of verdicts failed)"
    if found.told == 0:
        amount = f"by its {metric.signed(found.value)}{unit} ({metric.signed_interval(found)}"
        adjusted = f"; p {p_text(found.p_holm)} when adjusted" if found.sign and found.p_holm != found.p else ""
        return "cannot be told from", f"{amount}{adjusted})"
    low, high = sorted((abs(found.low), abs(found.high)))
    shown = [metric.signed(number).lstrip("+") for number in (abs(found.value), low, high)]
    return "beats" if found.told > 0 else "falls short of", f"by {shown[0]}{unit} ({shown[1]} to {shown[2]})"


def p_text(p: float | None) -> str:
    """A p-value: to its last place below 0.1."""
    if p is None:
        return "n/a"
    return f"{p:.2f}" if p >= 0.1 else f"{p:.4f}".rstrip("0")


def primary(report: Report, metric: Metric) -> str:
    """The sentences on the primary contrast, also when there is none or nothing can be told."""
    row = next((row for row in report.contrasts if row.primary), None)
    if row is None:
        return NO_PRIMARY if report.contrasts and report.method.smallest_p is not None else ""
    found = metric.of(row)
    verb, amount = says(row, metric, f" {metric.unit}", report.method)
    ours, theirs = _side(row, row.treatment), _side(row, row.control)
    title = group_title(report, row.trained_on) if row.model and row.dataset else ""
    opening = f"Primary contrast{f' ({title})' if title else ''}"
    opening += "" if row.scope == "mix" else f", of this model alone, with {seeds(row.seeds)}"
    text = f"{opening}: over {_languages(row)}, {ours} {verb} {theirs} {amount}"
    if found.p is None:
        return text + "."
    least = report.method.smallest_p is not None and found.p <= report.method.smallest_p
    text += f", p {'at most ' if least else ''}{p_text(found.p)}."
    if not report.method.allows(row.failed_share):
        return f"{text} What is not scored could turn it round."
    if found.told == 0 and found.detectable is not None:
        text += (
            f" A true difference of {metric.signed(found.detectable).lstrip('+')} {metric.unit} would have been shown "
            "about three times in four."
        )
    return text


def how_many(report: Report) -> str:
    """One sentence on the number of comparisons and families, and what is done about it; "" without any."""
    others = [row for row in report.contrasts if not row.primary]
    if not report.contrasts or report.method.smallest_p is None:  # nothing was tested
        return ""
    alpha = 1 - report.method.level
    text = (
        f"The primary contrast is tested at {100 * alpha:g}% by itself. " if len(others) < len(report.contrasts) else ""
    )
    families = len({row.family.compares for row in others})
    if not others:
        return text + "There is no other."
    more = "other contrast" if text else "contrast"
    number = counted(len(others), more, more + "s")
    verb = "is" if len(others) == 1 else "are"
    text += f"{'The ' + number if text else number[:1].upper() + number[1:]} {verb} in "
    text += f"{counted(families, 'family', 'families')}. p-values are adjusted by Holm within a family, which shows "
    text += f"anything false with a chance of at most {100 * alpha:g}%"
    if families == 1:
        return text + "."
    return text + (
        f"; over families nothing is adjusted: were there no differences at all, {families * alpha:.2g} of these "
        f"{families} would be expected to show one."
    )


def out_of_reach(report: Report) -> str:
    """A sentence on families so large that no p-value could be small enough; "" where there is none."""
    alpha, least = 1 - report.method.level, report.method.smallest_p
    if least is None:
        return ""
    sizes = {row.family.compares: row.family_size or 1 for row in report.contrasts}
    large = {compares: size for compares, size in sizes.items() if size * least >= alpha}
    named = [f"“{WORDINGS[compares].heading}” ({size})" for compares, size in large.items()]
    if not named:
        return ""
    return (
        f"With {whole(report.method.resamples)} resamples no p-value is below {p_text(least)}, and so many contrasts "
        f"as in {listed(named)} cannot show a difference after adjustment: look at the intervals there."
    )


def few_seeds(report: Report) -> str:
    """A sentence on large families of few seeds, whose first difference must be very large; "" where there is none."""
    few = [row for row in report.contrasts if 1 < row.seeds <= FEW]
    alone = Counter(row.family.compares for row in few if row.seed_freedom in (None, row.seeds - 1))
    every = Counter(row.family.compares for row in few)
    # no family of which most know how much seeds vary from those of all arms
    sizes = [
        (row.family_size or 1, -row.seeds) for row in few if 2 * alone[row.family.compares] > every[row.family.compares]
    ]
    size, fewest = max(sizes, default=(0, 0))
    if size < MANY:
        return ""
    alpha, number = 1 - report.method.level, -fewest
    one, first = (student_quantile(1 - alpha / 2 / among, number - 1) for among in (1, size))
    return (
        f"{seeds(number).capitalize()} and {size} contrasts in a family do not go together: limits by "
        f"seeds are {first / one:.1f} times as far away for the first of them as for one alone. What is not shown "
        "there may be there: more seeds tell, or fewer contrasts."
    )


def _side(row: ContrastResult, keys: Sequence[ArmKey]) -> str:
    """The arms of one side, or what they are called together."""
    if len(keys) <= MOST_NAMED:
        return listed([row.named(key) for key in keys])
    return f"the {row.family.choice} of {len(keys)} mixes"


def _languages(row: ContrastResult) -> str:
    return row.on[0] if len(row.on) == 1 else counted(len(row.on), "language", "languages")
