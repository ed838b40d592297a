"""A language mix: an index list over token sets."""

from typing import ClassVar, Literal

from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params


class MixParams(Params):
    """An index list over token sets."""

    kind: ClassVar[str] = "mix"
    version: ClassVar[int] = 3  # 3: from token sets and hits alone; what is contaminated can be left out

    mix: str  # canonical name without the size: "DEFRITES-sampled", "EN:0.5,DE:0.25,FR:0.25"
    languages: tuple[Language, ...]
    weights: tuple[float, ...]  # of the sampled form; equal shares unless the name has weights
    sampled: bool
    size: int | None  # number of ids; None = all
    draw: int = 0  # which seeded order of ids
    temperature: float | None = None  # of the sampled form: shares by rows^(1/temperature) in place of the weights
    decontaminate: Literal["none", "exact", "overlap", "near", "all"] = "none"  # ids that leave, in all languages
    published: bool = False  # the index is that of a published file


KIND = Kind(
    params=MixParams,
    inputs={"tokens": ("tokenize",), "hits": ("contamination",), "published": ("ingest",), "rows": ("ingest",)},
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=6 * HOUR_SECONDS),
    warm_imports=("numpy", "pyarrow.compute"),
)
