"""How strong arms are in pairs: strengths on one axis with tie groups, by language, and beside the mean scores."""

from collections.abc import Iterator, Sequence
from math import exp
from typing import NamedTuple

from markupsafe import Markup

from jobs.report.answer_links import AnswerLinks
from jobs.report.numbers import View, listed, share, whole
from jobs.report.plots.dots import Dot, draw_axis, draw_dots
from jobs.report.plots.scale import Scale, linear
from jobs.report.sections.pairs import WHOLE
from polyglot.core.records import UNSET
from polyglot.kinds.cells import AGAIN, ArmKey
from polyglot.kinds.measured import Measured
from polyglot.kinds.metrics import MINUS, MISSING
from polyglot.kinds.report import Report
from polyglot.kinds.strengths import ArmStrength, StrengthTable

MOST_NAMED = 12  # arms that were not compared
UNRANKED = {"failures": "more than {} unscored", "not-comparable": "nothing to compare it by"}


class Row(NamedTuple):
    """One arm over all languages."""

    name: str
    of: str  # model and data set, where there are several
    letters: str
    value: str
    limits: str
    plot: Markup
    href: str


class Field(NamedTuple):
    """One arm in one language."""

    language: str
    name: str
    letters: str
    strength: str
    limits: str
    equal_lengths: str
    equal_limits: str
    score: str
    unscored: str


class Judging(NamedTuple):
    """What a language's verdicts go with, and how far they agree with the scores."""

    language: str
    first_slot: str
    first_limits: str
    per_doubling: str
    doubling_limits: str
    same: str
    opposite: str
    tau: str
    apart: str


class Figure(NamedTuple):
    """Arms that met."""

    title: str
    zero: str
    axis: Markup
    rows: tuple[Row, ...]
    fields: tuple[Field, ...]
    judging: tuple[Judging, ...]
    agreement: str


class Strengths(NamedTuple):
    """All of them; `missing` are arms that met no other."""

    figures: tuple[Figure, ...]
    missing: str


def show(report: Report, view: View) -> Strengths | None:
    """Return what the section shows; None where nothing was compared in pairs."""
    tables = (report.reliability.strengths if report.reliability else UNSET) or ()
    if not tables:
        return None
    groups: dict[tuple[str, frozenset[ArmKey]], list[StrengthTable]] = {}
    for table in tables:
        groups.setdefault((table.judge or "", frozenset(row.arm for row in table.arms)), []).append(table)
    shown = {row.arm for table in tables for row in table.arms}
    missing = [cell.arm_key.arm for cell in report.roster if cell.arm_key not in shown and not cell.otherwise]
    return Strengths(
        figures=tuple(_figure(own, AnswerLinks.of(report), several=len(groups) > 1) for own in groups.values()),
        missing=_missing([*dict.fromkeys(missing)]),
    )


def _missing(names: Sequence[str]) -> str:
    """Those that met no other; of very many the first ones and how many more."""
    if len(names) <= MOST_NAMED:
        return listed(names) if names else ""
    return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"


def _figure(tables: Sequence[StrengthTable], links: AnswerLinks, *, several: bool) -> Figure:
    whole_table = next((table for table in tables if table.language == WHOLE), tables[0])
    limits = [one for row in whole_table.arms for one in (row.strength.low, row.strength.high)]
    scale = linear([*limits, *(row.strength.value for row in whole_table.arms)], zero=True)
    sources = {row.arm.trained_on for row in whole_table.arms if row.arm.dataset}
    return Figure(
        title=_title(whole_table) if several or whole_table.judge else "",
        zero=_zero(whole_table),
        axis=draw_axis(scale, "Axis: strength in log-odds", signed=True),
        rows=tuple(_row(row, whole_table, scale, links, several=len(sources) > 1) for row in whole_table.arms),
        fields=tuple(_field(table, row) for table in tables for row in table.arms),
        judging=tuple(map(_judging, tables)),
        agreement=_agreement(whole_table),
    )


def _title(table: StrengthTable) -> str:
    if table.judge:
        return f"Not judged here: by {table.judge}, read from files"
    tuned = dict.fromkeys(
        " on ".join(part for part in row.arm.trained_on if part) for row in table.arms if row.arm.dataset
    )
    named = listed([*tuned]) if tuned else listed([row.arm.arm for row in table.arms])
    otherwise = {row.arm.arm.partition(AGAIN)[2] for row in table.arms}  # of a panel who judges
    return ", ".join([named, *sorted(otherwise - {""})]) if len(otherwise) == 1 else named


def _zero(table: StrengthTable) -> str:
    names = [arm.arm for arm in table.zero]
    if len(names) == 1:
        return names[0]
    return "the mean of all" if len(names) == len(table.arms) else f"the mean of {listed(names)}"


def _row(row: ArmStrength, table: StrengthTable, scale: Scale, links: AnswerLinks, *, several: bool) -> Row:
    value, limits = strength(row.strength), strength_limits(row.strength)
    low, point, high = row.strength.low, row.strength.value, row.strength.high
    if point is None and (low is None) != (high is None):  # the limit, and a line to the edge
        point = low if high is None else high
        low, high = (low, scale.high) if high is None else (scale.low, high)
    said = f"{row.arm.arm}: {value} {limits}, {_groups(row, table)}"
    dot = Dot(point=point, low=low, high=high, tone="in" if row.letters else "out")
    return Row(
        name=row.arm.arm,
        of=" on ".join(part for part in row.arm.trained_on if part) if several and row.arm.dataset else "",
        letters=_groups(row, table),
        value=value,
        limits=limits,
        plot=draw_dots(scale, [dot], said),
        href=links.to(row.arm),
    )


def _groups(row: ArmStrength, table: StrengthTable) -> str:
    why = UNRANKED[row.unranked or "not-comparable"].format(share(table.most_unscored, 1.0))
    return row.letters or f"not ranked: {why}"


def _field(table: StrengthTable, row: ArmStrength) -> Field:
    return Field(
        language=table.language,
        name=row.arm.arm,
        letters=_groups(row, table),
        strength=strength(row.strength),
        limits=strength_limits(row.strength),
        equal_lengths=strength(row.equal_lengths),
        equal_limits=strength_limits(row.equal_lengths),
        score=MISSING if row.score is None else f"{row.score:.2f}",
        unscored=f"{whole(row.unscored)} of {whole(row.items)} ({share(row.unscored, row.items)})",
    )


def _judging(table: StrengthTable) -> Judging:
    scores, slot = table.scores, table.first_slot
    told = scores.apart_same + scores.apart_opposite
    return Judging(
        language=table.language,
        first_slot=_chance(slot.value),
        first_limits="" if slot.low is None or slot.high is None else f"{_chance(slot.low)} to {_chance(slot.high)}",
        per_doubling=strength(table.per_doubling),
        doubling_limits=strength_limits(table.per_doubling),
        same=whole(scores.same),
        opposite=whole(scores.opposite),
        tau=MISSING if scores.tau is None else f"{scores.tau:.2f}".replace("-", MINUS),
        apart=f"{whole(scores.apart_same)} of {whole(told)}" if told else "none",
    )


def _agreement(table: StrengthTable) -> str:
    return " ".join(_said(table))


def _said(table: StrengthTable) -> Iterator[str]:
    scores = table.scores
    if not scores.pairs:
        yield "There are no mean scores to compare these strengths with."
        return
    told = scores.apart_same + scores.apart_opposite
    yield (
        f"Of {whole(scores.pairs)} pairs of arms the stronger one has the higher mean score in {whole(scores.same)}, "
        f"the lower in {whole(scores.opposite)}."
    )
    if told:
        yield (
            f"Of the {whole(told)} that strengths tell apart: {whole(scores.apart_same)} and "
            f"{whole(scores.apart_opposite)}."
        )


def strength(found: Measured) -> str:
    """A signed log-odds; of what has none that it is beyond its limit."""
    if found.value is not None:
        return _signed(found.value)
    if found.low is not None and found.high is None:
        return f"above {_signed(found.low)}"
    if found.high is not None and found.low is None:
        return f"below {_signed(found.high)}"
    return MISSING


def strength_limits(found: Measured) -> str:
    """The limits of one; "" where the value has said them."""
    if found.value is None or found.value == found.low == found.high:
        return ""
    if found.low is None or found.high is None:
        known = [f"above {_signed(limit)}" for limit in (found.low,) if limit is not None]
        known += [f"below {_signed(limit)}" for limit in (found.high,) if limit is not None]
        return "".join(known)
    return f"{_signed(found.low)} to {_signed(found.high)}"


def _signed(value: float) -> str:
    text = f"{abs(value):.2f}"
    return text if float(text) == 0 else ("+" if value > 0 else MINUS) + text


def _chance(log_odds: float | None) -> str:
    return MISSING if log_odds is None else share(1 / (1 + exp(-log_odds)), 1.0)
