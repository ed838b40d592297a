"""Translations beside their sources, and beside references where there are any."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from polyglot.core.canonical import Json
from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.chat import ChatForm, Temperature
from polyglot.kinds.data_card import Listed
from polyglot.kinds.kind import GIB, Asks, Kind, Language, Params, Traits
from polyglot.kinds.settings import BatchSettings

QUALITY_METRICS = ("chrf", "bleu", "back_chrf", "adequacy", "comet", "length_ratio", "kept_share", "untranslated_share")


class QualityParams(Params):
    """Translations beside their sources, and beside references where there are any. docs/translation-quality.md."""

    kind: ClassVar[str] = "quality"

    what: Literal["dataset", "questions", "references"]
    source: Language
    target: Language
    reference_is: Literal["human", "machine"] | None = None  # None: there is no reference
    adequacy_model: str = ""  # as the endpoint knows it; "": not asked
    adequacy_prompt: int = 0  # version of our own wording, and of how replies are read
    adequacy_max_tokens: int = 0
    adequacy_seed: int | None = None
    adequacy_temperature: Annotated[Temperature, Field(exclude_if=lambda value: value == 0)] = 0.0
    adequacy_max_failed_share: float = 0.0  # a setting by now; in keys, this constant stands for what it was
    comet_model: str = ""  # owner/name on the hub; "": not asked
    comet_revision: str = ""

    @staticmethod
    def earlier(stage: Stage, settings: Mapping[str, Json]) -> Iterator[Stage]:
        """The stage as it was when the share was a parameter, and replies were read in another way."""
        if stage.params["adequacy_model"]:
            for share in dict.fromkeys((settings.get("max_failed_share", 0.05), 0.05)):
                asked = {"adequacy_prompt": 1, "adequacy_max_failed_share": share}
                yield replace(stage, params={**stage.params, **asked})


class TurnQuality(Record):
    """`rows.jsonl`: one turn without its texts; what was not measured is None."""

    id: str
    turn: int
    role: str
    category: str
    source_characters: int
    target_characters: int
    length_ratio: float | None
    parts: dict[str, int]  # protected parts of the source, by group
    parts_kept: dict[str, int]
    parts_added: dict[str, int]
    kept_share: float | None
    intact: bool
    code_equal: bool | None  # None: there are no blocks
    language: str | None  # that the translation is likeliest in
    other_language: bool | None
    untranslated_share: float
    chrf: float | None = None
    bleu: float | None = None
    back_chrf: float | None = None
    adequacy: int | None = None  # 0 to 100
    adequacy_reason: str | None = None  # why there is none: "refused", "truncated", "no-score", "http-<status>", …
    comet: float | None = None

    def metric(self, name: str) -> float | None:
        """The value of one of QUALITY_METRICS."""
        value: float | None = getattr(self, name)
        return value


class Corpus(Record):
    """Scores over all turns, with sacrebleu's signatures."""

    segments: int
    chrf: float
    chrf_signature: str
    bleu: float | UnsetType = UNSET
    bleu_signature: str | UnsetType = UNSET


class Distribution(Record):
    """One metric over some turns; `bins` is a histogram over `range`."""

    turns: int
    mean: float
    p05: float
    p25: float
    median: float
    p75: float
    p95: float
    range: tuple[float, float]
    bins: tuple[int, ...]


class PartCounts(Record):
    """Protected parts of the source, those that the translation has, and parts that it has besides."""

    parts: int
    kept: int
    added: int


class CodeCounts(Record):
    """Turns with code blocks, and those in which they are the source's."""

    turns: int
    equal: int


class LanguageCounts(Record):
    """Turns whose language was judged, and those in another one."""

    judged: int
    other: int


class Summary(Record):
    """Counts and distributions over some turns."""

    turns: int
    intact: int
    protected: dict[str, PartCounts]
    code: CodeCounts
    language: LanguageCounts
    unscored: dict[str, int]  # by reason
    metrics: dict[str, Distribution]


class WorstTurn(Record):
    """A turn to look at, with its texts, cut where they are long."""

    id: str
    turn: int
    role: str
    category: str
    trouble: float
    chrf: float | None
    bleu: float | None
    back_chrf: float | None
    adequacy: int | None
    comet: float | None
    length_ratio: float | None
    kept_share: float | None
    untranslated_share: float
    other_language: bool | None
    code_equal: bool | None
    language: str | None
    lost: dict[str, int]  # protected parts, by group
    source: str
    target: str
    reference: str | None
    back: str | None

    def metric(self, name: str) -> float | None:
        """The value of one of QUALITY_METRICS."""
        value: float | None = getattr(self, name)
        return value


class LearnedMetric(Record):
    """The model behind a metric."""

    model: str
    revision: str


class AskedMetric(Record):
    """The model that was asked, and the version of our wording."""

    model: str
    prompt: int


class QualityCard(Record):
    """`card.json`."""

    what: str
    source: str
    target: str
    reference_is: str | None
    ids: int
    turns: int
    untranslated: Listed  # ids without a translation
    without_source: Listed
    other_turns: Listed  # ids with another number of turns
    corpus: Corpus | None
    corpus_back: Corpus | None
    overall: Summary
    categories: dict[str, Summary]
    roles: dict[str, Summary]
    origins: dict[str, int]
    code_not_equal: Listed
    worst: tuple[WorstTurn, ...]
    comet: LearnedMetric | UnsetType = UNSET
    adequacy: AskedMetric | UnsetType = UNSET


def _traits(params: Mapping[str, Json]) -> Traits:
    comet = bool(params.get("comet_model"))
    asks: Asks = "openai" if params.get("adequacy_model") else ""
    return Traits(loads_model=comet, asks=asks, fetches_from_hub=comet, fetches_sources=comet)


def _forms(params: Mapping[str, Json]) -> tuple[ChatForm, ...]:
    if not params.get("adequacy_model"):
        return ()
    asked = {name: params.get(f"adequacy_{name}") for name in ("model", "max_tokens", "seed")}
    return (ChatForm.model_validate({**asked, "temperature": params.get("adequacy_temperature", 0.0)}),)


KIND = Kind(
    params=QualityParams,
    settings=BatchSettings,
    inputs={
        "source": ("ingest", "translate"),
        "translated": ("translate", "ingest"),
        "reference": ("ingest", "translate"),
        "back": ("translate",),
        "questions": ("ingest",),
    },
    files={"rows.jsonl": TurnQuality, "card.json": QualityCard},
    resources=Resources(memory_bytes=2 * GIB),
    spans_gpus=lambda settings: True,  # COMET shares the rows out among all that it is given
    networked=True,
    libraries=("sacrebleu", "py3langid", "openai"),
    traits=_traits,
    forms=_forms,
    earlier=QualityParams.earlier,
)
