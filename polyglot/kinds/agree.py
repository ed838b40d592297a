"""Human ratings of translations: how far raters agree with each other, and metrics with them."""

from typing import ClassVar

from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, File, Kind, Params


class AgreeParams(Params):
    """Human ratings of translations: how far raters agree with each other, and metrics with them."""

    kind: ClassVar[str] = "agree"

    checks: tuple[str, ...]  # names of the quality stages among the inputs
    ratings: tuple[File, ...]  # unblinded, as `polyglot sheet import` writes them


KIND = Kind(
    params=AgreeParams,
    inputs={"quality": ("quality",)},
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=HOUR_SECONDS),
    libraries=("scipy", "krippendorff"),
)
