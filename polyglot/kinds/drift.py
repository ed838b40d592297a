"""What changed since the nights before: the judge, the models, what serves them, or nothing that shows."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from polyglot.core.canonical import Json
from polyglot.core.records import Record
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params

VerdictOfNight = Literal["judge", "model", "serving", "noise", "unknown"]
ALARMS: tuple[VerdictOfNight, ...] = ("judge", "model", "serving")
STATE = "state.json"
_ENVIRONMENT = ("engine", "device", "threads", "torch", "kernels", "dtype")


class Then(Record, forbid_unknown_fields=True):
    """A cell as it was when its baseline began: digests of files, and of the model that answered."""

    answers: dict[Language, str]  # answers/<LANG>.jsonl
    verdicts: dict[Language, str]  # verdicts/<LANG>.jsonl
    answer_card: str
    judge_card: str
    model: str = ""  # the result digest of base or train; "" of a model behind an endpoint
    environment: str = ""  # what computed the answers


def then_of(answers: Mapping[str, str], verdicts: Mapping[str, str], *, model: str, environment: str) -> Then:
    """A cell as it is, from the digests of its files of answers and of verdicts, by their paths."""
    return Then(
        answers=by_language(answers, "answers"),
        verdicts=by_language(verdicts, "verdicts"),
        answer_card=answers.get("card.json", ""),
        judge_card=verdicts.get("card.json", ""),
        model=model,
        environment=environment,
    )


def by_language(digests: Mapping[str, str], folder: str) -> dict[Language, str]:
    """The digests of `<folder>/<LANG>.jsonl`."""
    parts = ((path.partition("/"), digest) for path, digest in digests.items())
    return {name.removesuffix(".jsonl"): digest for (head, _, name), digest in parts if head == folder}


class Watch(Record, forbid_unknown_fields=True):
    """What a night is held against, fixed when it begins: the state after the night `before`, or the study itself.

    `state` is the digest of that night's file; "" on the first night, which has `then` in its place.
    """

    anchors: tuple[str, ...]  # cells of the study
    cells: tuple[str, ...]
    frozen: dict[str, Then]  # the anchors as they were first
    before: str = ""
    state: str = ""
    then: dict[str, Then] = {}
    retested: str = ""  # the anchor that the study's retest is of, and the digests of its verdicts/<LANG>.jsonl
    retest: dict[Language, str] = {}


class DriftParams(Params):
    """One night against those before it."""

    kind: ClassVar[str] = "drift"
    # 2: evidence is kept over nights without scores, names are those since the baseline began, a lost one begins anew
    version: ClassVar[int] = 2

    night: str
    languages: tuple[Language, ...]
    watch: Watch
    error: float = Field(0.05, gt=0, lt=1)  # chance of a false alarm, of whatever kind, within `horizon` nights
    horizon: int = Field(90, ge=1)


class LanguageDrift(Record):
    """Anchors in one language, or in all of them ("all"): tonight's verdicts beside the earlier ones."""

    language: str
    verdicts: int  # with a score tonight and at least one before
    failed: int  # anchors without a score tonight
    mean: float | None
    difference: float | None  # tonight's mean minus that of the earlier verdicts on the same answers, points
    flips: float | None  # the chance that an earlier verdict is another one than tonight's
    flips_before: float | None  # that two earlier ones are; None where no anchor has two
    ewma: float | None  # of the differences since the baseline began


class CategoryDrift(Record):
    """Anchors of one category, in all languages."""

    category: str
    verdicts: int
    difference: float | None


class CellDrift(Record):
    """New answers of one cell beside those of its baseline."""

    cell: str
    differ: tuple[Language, ...]  # languages whose answers are other bytes
    equal_expected: bool  # the same weights answer by a computation that repeats itself
    model_changed: bool
    environment_changed: bool
    served_by: tuple[str, ...]
    difference: float | None  # mean score minus that of the baseline, where answers differ and the judge is the same
    evidence: float | None  # natural logarithm; None where answers are not weighed


class Finding(Record):
    """What one night says of one thing, in a sentence."""

    verdict: VerdictOfNight
    since: str  # the night on which it began, as far as can be told
    says: str


class NightDrift(Record):
    """One night of the chain, for the charts."""

    night: str
    verdict: VerdictOfNight
    difference: dict[str, float | None]  # by language, "all" among them
    ewma: dict[str, float | None]
    flips: float | None
    evidence: float | None  # against the judge
    fresh: bool  # the baseline begins with it: nothing is compared across its beginning


class Drift(Record):
    """`drift.json`. Evidence is a natural logarithm; an alarm is at `limit` for the judge, `cell_limit` for a cell."""

    night: str
    before: str  # "" on the first night
    baseline: str  # the night that it began with; "" for the study's own verdicts
    baseline_nights: int  # earlier sets of verdicts on the anchors
    verdict: VerdictOfNight
    says: str
    findings: tuple[Finding, ...]
    anchors: tuple[str, ...]
    served_by: tuple[str, ...]  # names that the judge's endpoint gave
    remarks: tuple[str, ...]  # what is odd and no finding, such as another fingerprint
    evidence: float | None  # against the judge; None where no anchor has a score
    limit: float
    error: float
    horizon: int
    languages: tuple[LanguageDrift, ...]
    categories: tuple[CategoryDrift, ...]
    cells: tuple[CellDrift, ...]
    history: tuple[NightDrift, ...]  # this night last
    cell_limit: float | None = None  # the cells share their half of the error; None in files of version 1


class ItemScores(Record):
    """Scores that one item got since the baseline began, and how often each."""

    cell: str
    language: Language
    category: str
    id: str
    sample: int
    turn: int  # 0: the mean of all turns and samples
    scores: tuple[float, ...]
    times: tuple[int, ...]


class Bets(Record):
    """The wealth of all bets on some items, natural logarithms; None for nothing yet."""

    log: tuple[float | None, ...]
    run: tuple[float, ...]
    since: tuple[int, ...]  # indices into the state's nights
    languages: tuple[str, ...] = ()  # that were bet on, and the categories; of these follows which bet is which
    categories: tuple[str, ...] = ()


class CellState(Record):
    """A cell's baseline, and what its new answers got where they differ from it."""

    then: Then
    served_by: tuple[str, ...]
    fingerprints: tuple[str, ...]
    items: tuple[ItemScores, ...]
    bets: Bets | None


class DriftState(Record):
    """`state.json`: what the next night begins with."""

    nights: tuple[NightDrift, ...]
    baseline: str
    baseline_nights: int
    served_by: tuple[str, ...]
    fingerprints: tuple[str, ...]
    items: tuple[ItemScores, ...]  # the anchors
    bets: Bets | None
    cells: dict[str, CellState]


def environment_of(execution: Mapping[str, Json], metrics: Mapping[str, Json]) -> str:
    """What computed a result, in words: two that differ promise no equal bits."""
    own = metrics.get("execution")  # the job alone knows its dtype
    found = {**own, **execution} if isinstance(own, Mapping) else execution
    return ", ".join(f"{name} {found[name]}" for name in _ENVIRONMENT if name in found)


KIND = Kind(
    params=DriftParams,
    inputs={
        "anchors": ("judge",),
        "old": ("anchors",),
        "verdicts": ("judge",),
        "answers": ("answer", "ask"),
    },
    files={"drift.json": Drift, STATE: DriftState},
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=HOUR_SECONDS),
    libraries=("numpy",),
)
