"""What a study says beforehand about what shall count as a finding: margins, and the form of a blending model."""

from pydantic import Field

from polyglot.core.blending import Curvature
from polyglot.core.section import Positive, Section
from polyglot.kinds.chat import is_none


class Findings(Section):
    """What shall count as enough, said before anything is measured. In points of the mean score, 1 to 10."""

    size_margin: Positive | None = Field(None, lt=9, exclude_if=is_none)
    """By how much fewer instructions may fall short of the largest size and suffice. Without it no size is said to."""
    mixture_margin: Positive | None = Field(None, lt=9, exclude_if=is_none)
    """By how much a mix may fall short of the best one and still be as good. Without it the set holds what is not
    shown to be worse at all.
    """
    curvature: Curvature = Field("common", exclude_if=lambda curvature: curvature == "common")
    """Of the blending model: `common`, one for all languages and one for English; `quadratic`, one for each two."""
