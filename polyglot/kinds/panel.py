"""One verdict out of those of several judges on the same answers."""

from typing import ClassVar, Literal

from polyglot.core.stage import Resources
from polyglot.kinds.cells import Rule
from polyglot.kinds.compare import CompareCard, PairVerdict
from polyglot.kinds.judge import JudgeCard, Verdict
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params

ENDPOINT = "panel"  # what the cards have in place of an endpoint: nobody was asked here


class PanelParams(Params):
    """How verdicts become one. Each judge's are an input, `verdicts:<judge>` or `comparisons:<judge>`.

    Scores: their mean, or the median, at or above which half of the judges stand and at or below which half do. Pairs:
    the outcome that more than half of the judges give, else a tie. A turn that one of them gave no verdict on has none:
    judges differ in how much they give, and a mean over fewer would be of another panel.
    """

    kind: ClassVar[str] = "panel"

    what: Literal["verdicts", "comparisons"]
    rule: Rule
    languages: tuple[Language, ...]


KIND = Kind(
    params=PanelParams,
    inputs={"verdicts": ("judge",), "comparisons": ("compare",)},
    files={
        "verdicts/<LANG>.jsonl": Verdict,
        "comparisons/<LANG>.jsonl": PairVerdict,
        "card.json": (JudgeCard, CompareCard),
    },
    offers=lambda params: (
        {"verdicts": "verdicts/"} if params.get("what") == "verdicts" else {"comparisons": "comparisons/"}
    ),
    resources=Resources(memory_bytes=GIB, deadline_seconds=HOUR_SECONDS),
)
