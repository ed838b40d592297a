"""Heat tables: mixes by languages, categories or turns, each field coloured by its value."""

from collections.abc import Sequence
from typing import NamedTuple

from polyglot.kinds.aggregate import ArmScore
from polyglot.kinds.metrics import Metric


class HeatCell(NamedTuple):
    """One field of a heat table. `strength` (0 to 1) is its colour, `own` that the mix has this language."""

    text: str
    detail: str
    strength: float
    own: bool = False
    missing: bool = False
    href: str = ""  # of the answers behind it


class HeatRow(NamedTuple):
    """One arm's row; `weak` marks too few seeds for a claim about the mix."""

    name: str
    detail: str
    cells: tuple[HeatCell, ...]
    weak: bool
    kind: int  # 0 not tuned, 1 monolingual, 2 several languages: the parts of the table


class HeatTable(NamedTuple):
    """A heat table with its column titles; one per model and data set."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    folded: tuple[HeatRow, ...] = ()  # of very many


def score_cell(row: ArmScore, metric: Metric, *, own: bool = False, href: str = "") -> HeatCell:
    """One mean with its limits."""
    mean = metric.of(row)
    if mean.value is None:
        return HeatCell(text="n/a", detail="no valid verdict", strength=0.0, own=own, missing=True, href=href)
    strength = round((mean.value - metric.lowest) / (metric.highest - metric.lowest), 3)
    return HeatCell(text=metric.bare(mean.value), detail=metric.interval(mean), strength=strength, own=own, href=href)


def score_row(row: ArmScore, cells: tuple[HeatCell, ...], min_seeds: int, languages: Sequence[str]) -> HeatRow:
    """The cells of an arm, named as one of its rows says; `languages` are those of its mix."""
    tuned = row.dataset is not None
    return HeatRow(
        name=row.arm,
        detail=f"{row.seeds} seed{'' if row.seeds == 1 else 's'}" if tuned else "as it came",
        cells=cells,
        weak=tuned and row.seeds < min_seeds,
        kind=min(len(languages), 2),  # not tuned, monolingual, several languages
    )
