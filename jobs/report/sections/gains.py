"""By how many per cent: a mix's gain over monolingual mixes in every reading, beside what the paper says."""

from collections.abc import Iterator
from typing import NamedTuple

from jobs.report.groups import extents, group_title
from jobs.report.numbers import View, counted, share
from polyglot.kinds.aggregate import Method
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.gains import Gain
from polyglot.kinds.metrics import DASH, signed
from polyglot.kinds.report import Report

PUBLISHED = 9.9  # "by up to 9.9 %" (arXiv 2402.13703, abstract); which formula is not said
AGAINST = {
    "mean": "the mean of the monolingual mixes",
    "best": "the best of them",
    "worst": "the worst of them",
    "own": "in each language, its own monolingual mix",
}

HOLDS = {"inside": "in the interval", "above": "above it", "below": "below it"}


class Row(NamedTuple):
    """One reading."""

    against: str
    over: str
    points: str
    points_limits: str
    percent: str
    percent_limits: str
    holds: str  # where the published figure lies; or why no gain is told


class Table(NamedTuple):
    """The readings of one mix."""

    title: str
    rows: tuple[Row, ...]


class Gains(NamedTuple):
    """What the section shows: the mix of most languages of each model and data set, and all others."""

    published: str
    tables: tuple[Table, ...]
    others: tuple[Table, ...]


def show(report: Report, view: View) -> Gains | None:
    """Return what the section shows; None where no mix has its monolingual mixes beside it."""
    first, others = _main(report), list(_tables(report))
    mains = [table for key, table in others if key in first]
    rest = [table for key, table in others if key not in first]
    return Gains(f"{PUBLISHED:g}%", tuple(mains), tuple(rest)) if mains else None


def gained(report: Report) -> str:
    """One sentence on the readings of the main mix of each model and data set, also where there is none."""
    first = _main(report)
    if not first:
        if not report.contrasts:
            return ""
        return (
            f"The paper's “up to {PUBLISHED:g}%” cannot be set beside anything here: no parallel mix has the "
            "monolingual mixes of all its languages at its size."
        )
    texts, by_mix = [], _by_mix(report)
    for key in first:
        every = [row for row in by_mix[key] if row.percent is not None]
        rows = [row for row in every if report.method.allows(row.failed_share)]
        if len(rows) < len(every):
            number = counted(len(every) - len(rows), "reading", "readings")
            texts.append(
                f"{number[:1].upper() + number[1:]} of {_title(report, every[0]).rstrip(',')} "
                f"{'is' if len(every) - len(rows) == 1 else 'are'} called no gain: too many verdicts failed."
            )
        if rows:
            low, high = min(rows, key=_percent), max(rows, key=_percent)
            inside = sum(_place(row) == "inside" for row in rows)
            texts.append(
                f"{_title(report, rows[0])} gains {signed(low.percent, 1)}% ({_limits(low)}) to "
                f"{signed(high.percent, 1)}% ({_limits(high)}) of its control's mean score, by how a gain is read; the "
                f"interval of {inside} of {len(rows)} readings has the paper's {PUBLISHED:g}% in it."
            )
    return " ".join(texts)


def _percent(row: Gain) -> float:
    return row.percent or 0.0


def _key(row: Gain) -> ArmKey:
    return ArmKey(row.model, row.dataset, row.arm)


def _by_mix(report: Report) -> dict[ArmKey, list[Gain]]:
    """The readings of each mix, in their order."""
    found: dict[ArmKey, list[Gain]] = {}
    for row in report.gains:
        found.setdefault(_key(row), []).append(row)
    return found


def _main(report: Report) -> list[ArmKey]:
    """The mix of most languages at its largest size, of each model and data set."""
    extent = extents(report)
    found: dict[tuple[str, str], ArmKey] = {}
    for row in report.gains:
        other = found.setdefault((row.model, row.dataset), _key(row))
        if extent[_key(row)] > extent[other]:
            found[row.model, row.dataset] = _key(row)
    return list(found.values())


def _title(report: Report, row: Gain) -> str:
    group = group_title(report, (row.model, row.dataset))
    return row.arm + (f", {group}," if group else "")


def _tables(report: Report) -> Iterator[tuple[ArmKey, Table]]:
    for key, rows in _by_mix(report).items():
        yield (
            key,
            Table(title=_title(report, rows[0]).rstrip(","), rows=tuple(_row(row, report.method) for row in rows)),
        )


def _row(row: Gain, method: Method) -> Row:
    chosen = list(dict.fromkeys(name for name in (row.selected, row.percent_selected) if name))
    languages = list(dict.fromkeys(name for name in (row.language, row.percent_language) if name))
    return Row(
        against=AGAINST[row.against] + (f" ({' / '.join(chosen)})" if chosen else ""),
        over=row.over + (f" ({' / '.join(languages)})" if languages else ""),
        points=signed(row.points, 2),
        points_limits=f"{signed(row.points_low, 2)} to {signed(row.points_high, 2)}",
        percent=f"{signed(row.percent, 1)}%",
        percent_limits=_limits(row),
        holds=HOLDS.get(_place(row), DASH) if method.allows(row.failed_share) else f"{_failed(row)}: no gain is told",
    )


def _failed(row: Gain) -> str:
    return f"{share(row.failed_share or 0.0, 1)} of verdicts failed"


def _place(row: Gain) -> str:
    """Where the published figure lies: "inside" of the interval, "above" or "below" it; "" without one."""
    if row.percent_low is None or row.percent_high is None:
        return ""
    return "above" if row.percent_high < PUBLISHED else "below" if row.percent_low > PUBLISHED else "inside"


def _limits(row: Gain) -> str:
    return f"{signed(row.percent_low, 1)} to {signed(row.percent_high, 1)}"
