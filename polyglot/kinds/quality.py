"""Translations beside their sources, and beside references where there are any."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from polyglot.core.canonical import Json
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, Asks, Kind, Language, Params, Traits
from polyglot.kinds.settings import ChatSettings

QUALITY_METRICS = ("chrf", "bleu", "back_chrf", "adequacy", "comet", "length_ratio", "kept_share", "untranslated_share")


class QualityParams(Params):
    """Translations beside their sources, and beside references where there are any. docs/translation-quality.md."""

    kind: ClassVar[str] = "quality"

    what: Literal["dataset", "questions", "references"]
    source: Language
    target: Language
    reference_is: Literal["human", "machine"] | None = None  # None: there is no reference
    adequacy_model: str = ""  # as the endpoint knows it; "": not asked
    adequacy_prompt: int = 0  # version of our own wording
    adequacy_max_tokens: int = 0
    adequacy_seed: int | None = None
    adequacy_max_failed_share: float = 0.0
    comet_model: str = ""  # owner/name on the hub; "": not asked
    comet_revision: str = ""


def _traits(params: Mapping[str, Json]) -> Traits:
    comet = bool(params.get("comet_model"))
    asks: Asks = "openai" if params.get("adequacy_model") else ""
    return Traits(loads_model=comet, asks=asks, fetches_from_hub=comet, fetches_sources=comet)


KIND = Kind(
    params=QualityParams,
    settings=ChatSettings,
    inputs={
        "source": ("ingest", "translate"),
        "translated": ("translate", "ingest"),
        "reference": ("ingest", "translate"),
        "back": ("translate",),
        "questions": ("ingest",),
    },
    resources=Resources(memory_bytes=2 * GIB),
    networked=True,
    libraries=("sacrebleu", "py3langid", "openai"),
    traits=_traits,
)
