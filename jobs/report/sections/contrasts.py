"""What makes the difference: the contrasts of each family on one axis, with their noise floor."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from markupsafe import Markup

from jobs.report.answer_links import AnswerLinks
from jobs.report.families import WORDINGS, by_what_they_compare
from jobs.report.folds import folded, leading
from jobs.report.groups import group_title
from jobs.report.numbers import View
from jobs.report.plots.dots import Dot, draw_axis, draw_dots
from jobs.report.plots.scale import Scale, linear
from jobs.report.significance import p_text
from polyglot.kinds.aggregate import ContrastResult, Estimate
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.metrics import Metric
from polyglot.kinds.report import Report

MOST_ROWS = 24  # of a figure that stand open


class Row(NamedTuple):
    """One contrast. `again`: the row above has the same treatment and languages."""

    head: str  # the treatment
    tail: str  # the control
    again: bool
    on: str
    selected: str | None
    primary: bool
    value: str
    interval: str
    p: str
    weak: bool
    plot: Markup
    href: str  # of the answers of both sides; "" where there is no page of them


class Figure(NamedTuple):
    """The contrasts of one family, model and data set."""

    title: str
    question: str
    group: str
    axis: Markup
    unit: str
    has_noise: bool
    all_weak: bool
    on: str  # the languages, where all contrasts have the same
    tests: str  # how its p-values are adjusted
    rows: tuple[Row, ...]
    folded: tuple[Row, ...]
    more: str  # what the folded ones show


class Contrasts(NamedTuple):
    """All figures."""

    figures: tuple[Figure, ...]
    has_noise: bool


def show(report: Report, view: View) -> Contrasts | None:
    """Return what the section shows; None without contrasts."""
    metric = view.metric
    links, first = AnswerLinks.of(report), leading(report)
    figures = []
    for (trained_on, compares), rows in by_what_they_compare(report.contrasts).items():
        wording = WORDINGS[compares]
        estimates = [metric.of(row) for row in rows]
        noise = _noise(rows, metric)
        wanted = [metric.scaled(value) for found in estimates for value in (found.value, found.low, found.high)]
        wanted += [metric.scaled(value) for found in estimates for value in found.per_seed]
        scale = linear([*wanted, *noise], zero=True)
        is_open = partial(_is_open, first=first)
        shown, rest = folded(rows, is_open=is_open, most=MOST_ROWS)
        figures.append(
            Figure(
                title=wording.heading,
                question=wording.asks,
                group=group_title(report, trained_on),
                axis=draw_axis(scale, f"Axis: difference in {metric.unit}", signed=True),
                unit=metric.unit,
                has_noise=bool(noise),
                all_weak=all(row.scope != "mix" for row in rows),
                on=" ".join(rows[0].on) if len({row.on for row in rows}) == 1 else "",
                tests=_tests(rows),
                rows=_rows(shown, metric, scale, links),
                folded=_rows(rest, metric, scale, links),
                more=_more(rest, metric),
            )
        )
    has_noise = any(figure.has_noise for figure in figures)
    return Contrasts(figures=tuple(figures), has_noise=has_noise) if figures else None


def _noise(rows: Iterable[ContrastResult], metric: Metric) -> list[float]:
    """The differences of A/A pairs, as they are shown."""
    pairs = (metric.scaled(metric.of_pair(pair)) for row in rows for pair in row.same_arm_pairs)
    return [value for value in pairs if value is not None]


def _is_open(row: ContrastResult, *, first: Collection[ArmKey]) -> bool:
    """Of very many: the primary one, and those between arms that stand open."""
    return row.primary or row.treatment[0] in first


def _more(rows: Sequence[ContrastResult], metric: Metric) -> str:
    """How many are folded, and how they came out."""
    told = [metric.of(row).told for row in rows]
    parts = [(sum(one > 0 for one in told), "higher"), (sum(one < 0 for one in told), "lower")]
    said = [f"{number} {word}" for number, word in parts if number]
    nothing = sum(one == 0 for one in told)
    return f"{len(rows)} more: {', '.join([*said, f'{nothing} with no difference shown'])}"


def _rows(rows: Sequence[ContrastResult], metric: Metric, scale: Scale, links: AnswerLinks) -> tuple[Row, ...]:
    """Rows with their treatment named once where several in a row have the same."""
    drawn = []
    before = None
    for row in rows:
        head, _, tail = pretty(row.name).partition(" \u2212 ")
        again = before == (head, row.on) and bool(tail)
        drawn.append(_row(row, metric, scale, head, tail, again=again, href=_href(row, links)))
        before = (head, row.on)
    return tuple(drawn)


def _href(row: ContrastResult, links: AnswerLinks) -> str:
    """Both sides beside each other, in the language where it is one."""
    return links.to(row.treatment[0], row.control[0], language=row.on[0] if len(row.on) == 1 else "")


def _row(row: ContrastResult, metric: Metric, scale: Scale, head: str, tail: str, *, again: bool, href: str) -> Row:
    found = metric.of(row)
    noise = _noise([row], metric)
    value, interval = metric.signed(found.value), metric.signed_interval(found)
    dot = Dot(
        point=metric.scaled(found.value),
        low=metric.scaled(found.low),
        high=metric.scaled(found.high),
        tone="up" if found.told > 0 else "down" if found.told < 0 else "even",
        seeds=[seed * metric.factor for seed in found.per_seed if seed is not None] if row.seeds > 1 else (),
    )
    said = f"{pretty(row.name)}: {value} {metric.unit}, interval {interval}"
    if noise:
        said += f"; {len(noise)} A/A pairs, up to {max(map(abs, noise)):.{max(metric.digits, 1)}f} apart"
    return Row(
        head=head,
        tail=tail,
        again=again,
        on=" ".join(row.on),
        selected=found.selected,
        primary=row.primary,
        value=value,
        interval=interval,
        p=_p(row, found),
        weak=row.scope != "mix",
        plot=draw_dots(scale, [dot], said, noise=noise),
        href=href,
    )


def _p(row: ContrastResult, found: Estimate) -> str:
    """The p-value; of a family of several the adjusted one."""
    if found.p_holm is None:
        return ""
    return f"{'adjusted ' if (row.family_size or 1) > 1 else ''}p {p_text(found.p_holm)}"


def _tests(rows: Sequence[ContrastResult]) -> str:
    """How many contrasts a family has, over all models and data sets."""
    size = max((row.family_size or 1 for row in rows if not row.primary), default=1)
    return f"p-values are adjusted (Holm) for the {size} contrasts of this family." if size > 1 else ""


def pretty(name: str) -> str:
    """A contrast's name with a minus that is one."""
    return name.replace(" - ", " \u2212 ").removesuffix(" (left out)")
