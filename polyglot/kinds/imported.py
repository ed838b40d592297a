"""Answers of a model, or verdicts on them or on pairs of them, that others made: read from FastChat's files (verdicts
on pairs from AlpacaEval's, too), not made or judged here.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from polyglot.core.records import Record
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.answer import CHAT_TOKENS, TURNS, Answer, AnswerCard, known_answers
from polyglot.kinds.compare import CompareCard, PairVerdict
from polyglot.kinds.forecast import LIGHT_BYTES, Ask, Facts, Forecast, Read, Texts
from polyglot.kinds.judge import JudgeCard, Verdict
from polyglot.kinds.kind import GIB, HOUR_SECONDS, File, Kind, Language, Offer, Params, Traits, has_address

FROM_FILES = "files"  # what cards name in place of an endpoint


class ImportedParams(Params):
    """Read one model's answers, or judgments of them or of two models' answers, from a file for each language."""

    kind: ClassVar[str] = "imported"

    what: Literal["answers", "verdicts", "pairs"]
    languages: tuple[Language, ...]
    files: Mapping[Language, File]
    # as files name it; "": they have one, or are of pairs
    model: Annotated[str, Field(exclude_if=lambda model: not model)] = ""


class ImportedFile(Record):
    """One language's file, and how much of it was used."""

    name: str
    sha256: str
    model: str  # of pairs "A and B"
    rows: int  # of the model, or of the two
    repeats: int  # rows that repeat another one: the last one counts
    failures: int  # rows that say of themselves that they failed
    missing: int  # answers, or turns of answers or of pairs, that the benchmark has and the file has not
    unused: int  # of the rows: on questions, turns or outputs that are not those of the study


class ImportRecord(Record):
    """`import.json`: where it comes from."""

    what: str
    judge: str | None  # of verdicts, as the files name it
    files: dict[Language, ImportedFile]


_OFFERS: Mapping[str, Mapping[Offer, str]] = {
    "answers": {"answers": "answers/"},
    "verdicts": {"verdicts": "verdicts/"},
    "pairs": {"comparisons": "comparisons/"},
}


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
    inputs={
        "questions": ("ingest",),
        "answers": ("imported",),
        "first": ("imported",),
        "second": ("imported",),
    },
    files={
        "answers/<LANG>.jsonl": Answer,
        "verdicts/<LANG>.jsonl": Verdict,
        "comparisons/<LANG>.jsonl": PairVerdict,
        "card.json": (AnswerCard, JudgeCard, CompareCard),
        "import.json": ImportRecord,
    },
    offers=lambda params: _OFFERS[str(params.get("what"))],
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=HOUR_SECONDS),
    traits=lambda params: Traits(fetches_sources=has_address(params)),
    estimate=_estimate,
    known=_known,
)
