"""What a mix gains over monolingual ones, in every reading of such a sentence as "by up to 9.9 %"."""

from typing import Literal

from polyglot.core.records import Record
from polyglot.kinds.kind import Language

Against = Literal["mean", "best", "worst", "own"]  # of the monolingual mixes; own: in each language that language's
Over = Literal["all languages", "the language that gains most"]


class Gain(Record):
    """`gains.json`, a list of these: mean scores alone. `percent` is the gain in per cent of the control's mean score.

    Each is of one parallel mix and the monolingual mixes of its languages, over the benchmark's languages ("own": over
    those of the mix). Where the best, the worst or a language is chosen, it is so by the data, and anew in every
    resample. Limits are those of `method.level`. None: nothing to average.
    """

    model: str
    dataset: str
    arm: str
    against: Against
    over: Over
    selected: str | None  # the best or the worst monolingual mix
    language: Language | None  # the one that gains most
    seeds: int
    points: float | None
    points_low: float | None
    points_high: float | None
    percent: float | None
    percent_low: float | None
    percent_high: float | None
    percent_selected: str | None  # as `selected`, which may be another by per cent
    percent_language: Language | None
    # of the verdicts of that arm of which most failed, in these languages: above `method.most_failed` it is called no
    # gain; None of an earlier version
    failed_share: float | None = None
