"""Which shares of languages are best: what the aggregate finds of mixes of one size that differ in their shares."""

from typing import Literal

from polyglot.core.blending import Curvature
from polyglot.core.records import Record
from polyglot.kinds.kind import Language
from polyglot.kinds.measured import Measured

Model = Curvature | Literal["none"]  # "none": the mixes do not tell every coefficient, and are compared as they are
# "one-seed": how much training varies is not known; "few-mixes": fewer than three mixes
NoSet = Literal["", "one-seed", "few-mixes"]


class BlendRow(Record):
    """One mix: tried, or on the fitted surface alone. Limits are of differences in points."""

    shares: dict[Language, float]
    arm: str | None  # None: not tried
    seeds: int
    mean: Measured  # as measured, of so many questions; all None where it was not tried
    fitted: float | None  # by the blending model, and its own departure from it as far as that is seen
    behind: Measured  # the best mix less this one
    over_equal: Measured  # this one less equal shares
    may_be_best: bool  # not shown to be worse than any other
    enough: bool  # shown to be behind the best by the margin at most
    in_set: bool  # either of these; equal shares always are


class SurfacePoint(Record):
    """A mix of the lattice: `at` are its shares of the components."""

    at: tuple[float, ...]
    fitted: float
    low: float  # of how far behind the best it is, at least and at most
    high: float
    in_set: bool


class MixtureSet(Record):
    """The mixes of one size, of one model and data set, over all languages of the benchmark."""

    model: str
    dataset: str
    size: int | None
    on: tuple[Language, ...]
    components: tuple[str, ...]  # what shares are varied: languages, or one and the rest
    why_not: NoSet  # there is no set, and all that follows is empty
    blending: Model
    coefficients: dict[str, float]
    departure_sd: float | None  # of mixes from the model, beyond questions and seeds; None where it cannot be told
    seed_sd: float | None  # between seeds of a mix, pooled over mixes
    freedom: int  # its degrees of freedom
    resolves: float | None  # the smallest margin that is resolved: a tried mix as good as the best would lie within it
    best: BlendRow | None
    equal: BlendRow | None  # the bar; None where equal shares are no blend of the components
    tried: tuple[BlendRow, ...]
    reach: dict[str, tuple[float, float]]  # by component the least and the greatest share in the set
    surface: tuple[SurfacePoint, ...]  # of two or three components

    @property
    def trained_on(self) -> tuple[str, str | None]:
        """Model and data set."""
        return self.model, self.dataset


class Mixtures(Record):
    """`mixtures.json`: sets of mixes, where the study declares a margin for them or has mixes by shares."""

    margin: float | None  # that the study declares, in points
    found: tuple[MixtureSet, ...]
