"""How few instructions suffice: what the aggregate finds of mixes at several sizes."""

from typing import Literal

from polyglot.core.records import Record
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.kind import Language
from polyglot.kinds.measured import Measured

# "sufficient": a size suffices; "short": none was shown to, and one falls short; "unresolved": neither was shown;
# "undeclared": the study declares no margin; "one-seed": how much training varies is not known
SizeAnswer = Literal["sufficient", "short", "unresolved", "undeclared", "one-seed"]


class SizeGap(Record):
    """One size against the largest one."""

    arm: ArmKey
    size: int
    seeds: int
    gap: Measured  # by how many points the largest size is better; of so many questions


class BandPoint(Record):
    """A curve that does not fall, at one size, with limits that hold for all sizes at once."""

    size: int | None  # None: every id
    value: float | None
    low: float | None  # None: limits at several sizes exclude every such curve
    high: float | None


class Threshold(Record):
    """One mix at several sizes, of one model and data set, over the languages of the mix."""

    model: str
    dataset: str
    mix: str
    on: tuple[Language, ...]
    largest: int | None  # that it is relative to; None: every id
    seeds: int  # the fewest of a size
    answer: SizeAnswer
    sufficient: int | None  # the smallest size that suffices, as do all larger ones: "<= N"
    short: int | None  # the largest size that falls short, as do all smaller ones: "> N"
    resolves: float | None  # the smallest margin that is resolved: a size as good as the largest would lie within it
    seed_sd: float | None  # between seeds of a size, pooled over sizes, in points
    freedom: int  # its degrees of freedom
    gaps: tuple[SizeGap, ...]  # smallest size first
    score_band: tuple[BandPoint, ...]
    exact_band: tuple[BandPoint, ...]

    @property
    def trained_on(self) -> tuple[str, str | None]:
        """Model and data set."""
        return self.model, self.dataset


class Thresholds(Record):
    """`thresholds.json`: every mix that was tuned on several sizes; none in a study without any."""

    margin: float | None  # that the study declares, in points
    found: tuple[Threshold, ...]
