"""One language's rows, questions or references in another language, by any of several engines."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from polyglot.core.canonical import Json
from polyglot.core.records import Record
from polyglot.core.section import Count
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.chat import ChatForm, Temperature, calling
from polyglot.kinds.forecast import CHARACTERS_PER_TOKEN, Ask, Facts, Forecast, Read, Texts
from polyglot.kinds.kind import GIB, File, Kind, Language, Params, Traits, has_address
from polyglot.kinds.rows import Question, Reference, Rejection, Row, offered_rows
from polyglot.kinds.settings import BatchSettings, Url

EngineName = Literal["identity", "apertium", "deepl", "openai", "marian", "nllb"]
Formality = Literal["default", "more", "less", "prefer_more", "prefer_less"]
MODEL_ENGINES = ("marian", "nllb")  # that load a model of their own


class TranslateParams(Params):
    """One language's rows, questions or references in another language. What an engine cannot use is at its default."""

    kind: ClassVar[str] = "translate"

    what: Literal["dataset", "questions", "references"]
    source: Language
    target: Language
    engine: EngineName
    model: str = ""  # openai: as the endpoint knows it; marian, nllb: owner/name on the hub
    revision: str | None = None  # of the hub's repository, 40 hex digits
    files: tuple[File, ...] = ()  # marian, nllb: instead of a hub's repository
    beams: int = 1  # marian, nllb; 1 is greedy
    formality: Formality = "default"  # deepl
    glossary: Mapping[str, str] = Field(default_factory=dict)  # deepl: term -> its translation
    prompt: int = 0  # openai: version of our own wording; 0: none
    temperature: Temperature = 0.0  # openai
    max_tokens: int = 0  # openai: of a reply
    seed: int | None = None  # openai: sent to the endpoint when not None


class TranslateSettings(BatchSettings):
    """Of translation. The address, key and pace of an engine that is called are set as those of a chat model."""

    deepl_url: Url | None = None
    """Of DeepL; else DEEPL_SERVER_URL, else what the key says."""
    deepl_key_file: str | None = None
    """Of DeepL's key; else DEEPL_AUTH_KEY_FILE or DEEPL_AUTH_KEY."""
    batch_size: Count | None = None
    """Texts in one call of DeepL, or in one batch of a model."""


class TurnRecord(Record):
    """What became of one turn."""

    characters: int  # that were translated
    protected: int  # parts that were kept as they are
    units: int
    repeated: int  # units that an earlier one was equal to
    parted: int  # units that were asked for again in parts


class TurnRejection(Record):
    """The first turn that could not be translated, and why."""

    turn: int
    reason: str


class TranslationRecord(Record):
    """`records/<TARGET>.jsonl`: a line for each row of the source, in its order."""

    id: str
    rejected: TurnRejection | None
    turns: tuple[TurnRecord, ...]


class RowCounts(Record):
    """Rows of one file."""

    accepted: int
    rejected: int


class TranslationCard(Record):
    """`card.json`. `engine` has its name, the parameters that mean something to it, and what it says of itself."""

    what: str
    source: str
    target: str
    engine: dict[str, object]
    accepted: int
    rejected: int
    reasons: dict[str, int]
    files: dict[str, RowCounts]  # by folder
    characters: dict[str, int]  # "source" and "target"
    protected: dict[str, int]  # parts by kind
    units: int
    units_repeated: int
    units_in_parts: int


def _traits(params: Mapping[str, Json]) -> Traits:
    engine = params.get("engine")
    model = engine in MODEL_ENGINES
    hub = model and not params.get("files")
    return Traits(
        loads_model=model,
        asks="openai" if engine == "openai" else "deepl" if engine == "deepl" else "",
        fetches_from_hub=hub,
        fetches_sources=hub or has_address(params),
    )


def _forms(params: Mapping[str, Json]) -> tuple[ChatForm, ...]:
    if params["engine"] != "openai":
        return ()
    return (ChatForm.model_validate({name: params[name] for name in ChatForm.model_fields if name in params}),)


def _known(stage: Stage, read: Read) -> Facts:
    """How much was translated."""
    card: TranslationCard = read("card.json", TranslationCard)
    texts = Texts(rows=card.accepted, characters=card.characters.get("target"))
    return Facts(source="the card of the translation", texts={card.target: texts})


def _estimate(ask: Ask) -> Forecast:
    """Calls or characters of an engine that is paid; as many rows and characters as there were."""
    params, rows = TranslateParams.of(ask.stage), ask.inputs["rows"]
    found = rows.texts.get(params.source)
    if found is None or found.characters is None:
        return Forecast(lacking=(f"rows of {params.source}",))
    characters = found.characters
    result = Facts(source=f"{rows.source}, translated", texts={params.target: found})
    if params.engine == "openai":
        calls, tokens = 2 * found.rows, characters / CHARACTERS_PER_TOKEN
        asked = calling(
            ask,
            calls=calls,
            prompt_tokens=tokens + 150 * calls,
            completion_tokens=tokens,
            source=f"{rows.source}; a call a text",
        )
        return replace(asked, result=result)
    price = ask.settings.get("price_usd_per_mchar")
    usd = characters * price / 1e6 if isinstance(price, int | float) else None
    if params.engine == "deepl":
        return Forecast(usd=usd, sources={"dollars": f"{characters:.0f} characters"}, result=result)
    return Forecast(result=result)


KIND = Kind(
    params=TranslateParams,
    settings=TranslateSettings,
    inputs={"rows": ("ingest", "translate")},
    files={
        "rows/<LANG>.jsonl": Row,
        "validation/<LANG>.jsonl": Row,
        "questions/<LANG>.jsonl": Question,
        "references/<LANG>.jsonl": Reference,
        "rejected.jsonl": Rejection,
        "records/<LANG>.jsonl": TranslationRecord,
        "card.json": TranslationCard,
    },
    at_once={"batch_size": 32},
    offers=offered_rows,
    resources=Resources(memory_bytes=4 * GIB),
    networked=True,
    libraries=("deepl", "openai", "torch", "transformers", "sentencepiece"),
    kernels=True,
    traits=_traits,
    forms=_forms,
    estimate=_estimate,
    known=_known,
)
