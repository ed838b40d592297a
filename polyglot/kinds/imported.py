"""Answers of a model, or verdicts on them, that others made: read from FastChat's files, not made or judged here."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from polyglot.core.canonical import Json
from polyglot.core.records import Record
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.answer import CHAT_TOKENS, TURNS, Answer, AnswerCard, known_answers
from polyglot.kinds.forecast import LIGHT_BYTES, Ask, Facts, Forecast, Read, Texts
from polyglot.kinds.judge import JudgeCard, Verdict
from polyglot.kinds.kind import GIB, HOUR_SECONDS, File, Kind, Language, Offer, Params, Traits, has_address

FROM_FILES = "files"  # what cards name in place of an endpoint


class ImportedParams(Params):
    """Read one model's answers, or single judgments of them, from a file for each language."""

    kind: ClassVar[str] = "imported"

    what: Literal["answers", "verdicts"]
    languages: tuple[Language, ...]
    files: Mapping[Language, File]
    model: Annotated[str, Field(exclude_if=lambda model: not model)] = ""  # as files name it; "": they have one


class ImportedFile(Record):
    """One language's file, and how much of it was used."""

    name: str
    sha256: str
    model: str
    rows: int  # of the model
    repeats: int  # rows that repeat another one: the last one counts
    failures: int  # rows that say of themselves that they failed
    missing: int  # answers, or turns of answers, that the benchmark has and the file has not
    unused: int  # of the rows: on questions or turns that the benchmark has not


class ImportRecord(Record):
    """`import.json`: where it comes from."""

    what: str
    judge: str | None  # of verdicts, as the files name it
    files: dict[Language, ImportedFile]


def _offers(params: Mapping[str, Json]) -> Mapping[Offer, str]:
    return {"answers": "answers/"} if params.get("what") == "answers" else {"verdicts": "verdicts/"}


def _known(stage: Stage, read: Read) -> Facts:
    return known_answers(stage, read) if stage.params.get("what") == "answers" else Facts()


def _estimate(ask: Ask) -> Forecast:
    """A file is read; answers are taken to be as long as a chat model's."""
    params, questions = ImportedParams.of(ask.stage), ask.inputs["questions"]
    rows = {one: questions.texts[one].rows for one in params.languages if one in questions.texts}
    texts = {language: Texts(rows=count, answers=TURNS * count) for language, count in rows.items()}
    read = params.what == "answers"
    facts = Facts(source="the questions", texts=texts, answer_tokens=CHAT_TOKENS) if read else Facts()
    size = sum(file.bytes for file in params.files.values())
    return Forecast(memory={"process": LIGHT_BYTES + 4 * size}, seconds=5.0, disk_bytes=2 * size, result=facts)


KIND = Kind(
    params=ImportedParams,
    inputs={"questions": ("ingest",), "answers": ("imported",)},
    files={
        "answers/<LANG>.jsonl": Answer,
        "verdicts/<LANG>.jsonl": Verdict,
        "card.json": (AnswerCard, JudgeCard),
        "import.json": ImportRecord,
    },
    offers=_offers,
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=HOUR_SECONDS),
    traits=lambda params: Traits(fetches_sources=has_address(params)),
    estimate=_estimate,
    known=_known,
)
