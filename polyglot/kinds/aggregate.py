"""Score tables and contrasts over the cells of a study."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params


class Cell(BaseModel):
    """One trained (or untuned) model of a study, as the aggregate and the report name it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell: str  # the role suffix: inputs are "verdicts:<cell>" and "answers:<cell>"
    model: str
    dataset: str | None  # None for the untuned base
    mix: str | None
    languages: tuple[Language, ...] = ()  # of the mix
    sampled: bool = False
    size: int | None = None
    seed: int | None = None
    draw: int = 0
    references: Literal["", "native"] = ""  # "native": a twin, whose same answers are judged against native references


NATIVE = "+native"  # what the names of twin cells and of their arms end with


def mix_name(cell: str, seed: int | None) -> str:
    """What the report's inputs call the mix of a cell: the cell's name without its seed. A draw stays: it is a mix."""
    head, _, draw = cell.removesuffix(NATIVE).rpartition(f"/s{seed}")
    return head + draw


class Contrast(BaseModel):
    """mean over `on` of the treatment mixes' scores minus that of the control mixes'."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    family: str  # "parallel - mono", "parallel - sampled", "sampled - mono", "left out", "size", "references", "custom"
    model: str
    dataset: str
    treatment: tuple[str, ...]  # arms: canonical mix names with @size; several are averaged
    control: tuple[str, ...]
    on: tuple[Language, ...]


class AggregateParams(Params):
    """Score tables and contrasts over the cells of a study."""

    kind: ClassVar[str] = "aggregate"
    version: ClassVar[int] = 3  # 3: arms that are judged against native references

    languages: tuple[Language, ...]
    cells: tuple[Cell, ...]
    contrasts: tuple[Contrast, ...] = ()
    resamples: int = 10_000
    level: float = 0.95
    min_seeds: int = 3  # behind any claim about a mix


KIND = Kind(
    params=AggregateParams,
    inputs={"verdicts": ("judge",), "answers": ("answer",), "questions": ("ingest",)},
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=HOUR_SECONDS),
    libraries=("numpy",),
)
