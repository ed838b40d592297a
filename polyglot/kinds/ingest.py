"""One published data set, benchmark or set of judge prompts, as rows of one form with a card."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from polyglot.core.canonical import Json
from polyglot.core.records import Record
from polyglot.core.section import Section
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.data_card import DataCard, LanguageCard
from polyglot.kinds.forecast import Ask, Facts, Forecast, Read, Texts
from polyglot.kinds.kind import GIB, HOUR_SECONDS, File, Kind, Language, Params, Traits, has_address
from polyglot.kinds.rows import Question, Reference, Rejection, Row, offered_rows

# Published schemas of instruction data; jobs/ingest/adapters/schemas.py reads them.
DatasetFormat = Literal["bactrian-x", "lima-x", "alpaca", "dolly", "aya", "messages", "sharegpt"]

# What makes rows of several languages one row: their id, or their place in the files. No field of keys made before it.
PairBy = Annotated[Literal["id", "position"], Field(exclude_if=lambda pair_by: pair_by == "id")]


class LanguageColumn(Section):
    """Rows of several languages in one file: those of a language have its value in a column."""

    name: str = Field(min_length=1, max_length=200)
    values: Mapping[Language, str] = Field(min_length=1)
    """As the rows have it, such as `DE: deu`."""


class IngestParams(Params):
    """Read one data set, one benchmark's questions or references into the normal form, or describe judge prompts."""

    kind: ClassVar[str] = "ingest"
    # 2: near duplicates, personal data, words and noise on the card; no exchanged files
    # 3: comments left untranslated, French colons, instructions with several answers
    version: ClassVar[int] = 3

    what: Literal["dataset", "questions", "references", "prompts", "published"]  # published: a mix
    languages: tuple[Language, ...]  # in the order the study names them
    source: Literal["built-in", "files", "hub", "stages"]  # "stages": each language as another stage wrote it
    format: DatasetFormat | Literal["mt-bench", "normal"]
    builtin: str | None = None  # "instructions", "verifiable", "verifiable-dev"
    files: Mapping[Language, tuple[File, ...]] = Field(default_factory=dict)  # of a published mix: by "*"
    hub: str | None = None  # owner/name
    revision: str | None = None  # 40 hex digits
    config: str | None = None  # "{language}" (lower case) and "{LANGUAGE}" are filled in
    split: str = "train"
    data_files: str | None = None  # a pattern inside the hub repository, with the same placeholders
    licence: str = ""
    pair_by: PairBy = "id"
    language_column: Annotated[LanguageColumn | None, Field(exclude_if=lambda column: column is None)] = None
    # the part for validation of a data set: a number of ids drawn from the rows, or files or a hub's split of its own
    validation_ids: int = 0
    validation_files: Mapping[Language, tuple[File, ...]] = Field(default_factory=dict)
    validation_split: str | None = None
    validation_data_files: str | None = None

    @property
    def own_validation(self) -> bool:
        """Whether the part for validation is read from a place of its own."""
        return bool(self.validation_files or self.validation_split or self.validation_data_files)


class PublishedRow(Record):
    """`published.jsonl`: a row of a published mix, in the file's order."""

    line: int
    id: str | None
    digest: str  # 32 hex digits of the SHA-256 of the turns, a zero byte between them


class PublishedRejection(Record):
    """`rejected.jsonl` of a published mix."""

    file: str
    line: int
    reason: str


class PublishedCard(Record):
    """`card.json` of a published mix; what its rows are is found by the mix."""

    what: str
    records: int
    rejected: dict[str, int]  # by reason
    languages: dict[str, int] = {}


def _traits(params: Mapping[str, Json]) -> Traits:
    return Traits(
        fetches_from_hub=bool(params.get("hub")), fetches_sources=bool(params.get("hub")) or has_address(params)
    )


# Of the data made for this program, in each language: rows, answers of a row, characters of all turns and of answers.
_BUILT_IN = {"dataset": (480, 1.48, 78, 17), "questions": (80, 2, 75, 0), "references": (80, 2, 24, 24)}
_BUILT_IN_SPREAD = 2.0  # the longest turn over the mean one
_WRAPPING = 0.85  # of a file of JSON Lines is text


def known_texts(stage: Stage, read: Read) -> Facts:
    """What the card of rows says of each language; it is that of translated and written ones, too."""
    if stage.params.get("what") in ("prompts", "published"):
        return Facts()
    card: DataCard = read("card.json", DataCard)
    return Facts(source="the data card", texts={name: _texts(found) for name, found in card.languages.items()})


def _texts(found: LanguageCard) -> Texts:
    turns = {int(count): rows for count, rows in (found.turns or {}).items()}
    answers = sum(count // 2 * rows for count, rows in turns.items())
    characters = {role: spread.mean for role, spread in (found.characters or {}).items()}
    asked = sum(count * rows for count, rows in turns.items()) - answers
    answered = characters.get("assistant", 0.0) * answers
    asking = (found.characters or {}).get("user")
    return Texts(
        rows=found.accepted,
        answers=answers or None,
        characters=characters.get("user", 0.0) * asked + answered if turns else None,
        answer_characters=answered or None,
        spread=asking.max / asking.mean if asking and asking.mean else None,
    )


def _estimate(ask: Ask) -> Forecast:
    params = IngestParams.of(ask.stage)
    if params.source == "stages":
        texts = {rest: facts.texts[rest] for _, facts in _by_language(ask) for rest in facts.texts}
        return Forecast(result=Facts(source="the stages before it", texts=texts))
    if params.builtin is not None:
        rows, answers, characters, answered = _BUILT_IN[params.what]
        each = Texts(
            rows=rows,
            answers=rows * answers,
            characters=rows * characters,
            answer_characters=rows * answered,
            spread=_BUILT_IN_SPREAD,
        )
        texts = dict.fromkeys(params.languages, each)
        return Forecast(result=Facts(source="built in", texts=texts))
    found = {language: _outside(params, language, ask) for language in params.languages}
    texts = {language: each for language, (each, _) in found.items() if each is not None}
    lacking = tuple(f"rows of {language}" for language, (each, _) in found.items() if each is None)
    source = next((source for each, source in found.values() if each is not None), "")
    return Forecast(result=Facts(source=source, texts=texts), lacking=lacking)


def _by_language(ask: Ask) -> Iterator[tuple[str, Facts]]:
    for role in ("rows", "questions", "references"):
        yield from ask.of(role)


def _outside(params: IngestParams, language: Language, ask: Ask) -> tuple[Texts | None, str]:
    """What the catalogue says of a published source, or local files by their lines and bytes."""
    files = params.files.get(language, ())
    named = params.hub or (files[0].sha256 if files else "")
    if amounts := ask.sources.published_amounts(named):
        rows = amounts.rows * max(1, len(files) if not params.hub else 1)
        return _of_size(params, rows, amounts.characters * rows), amounts.source
    lines = [ask.sources.lines(file.sha256) for file in files]
    if not files or None in lines:
        return None, ""
    rows = sum(count or 0 for count in lines)
    return _of_size(params, rows, sum(file.bytes for file in files) * _WRAPPING), "the files' lines and bytes"


def _of_size(params: IngestParams, rows: float, characters: float) -> Texts:
    if params.what != "dataset":
        return Texts(rows=rows, answers=2 * rows, characters=characters)
    return Texts(rows=max(0.0, rows - params.validation_ids), answers=rows, characters=characters)


KIND = Kind(
    params=IngestParams,
    # source "stages": each language as another stage wrote it
    inputs={
        "rows": ("translate", "ingest"),
        "questions": ("translate", "ingest"),
        "references": ("translate", "ingest"),
    },
    files={
        "rows/<LANG>.jsonl": Row,
        "validation/<LANG>.jsonl": Row,
        "questions/<LANG>.jsonl": Question,
        "references/<LANG>.jsonl": Reference,
        "published.jsonl": PublishedRow,
        "rejected.jsonl": (Rejection, PublishedRejection),
        "card.json": (DataCard, PublishedCard),
    },
    offers=offered_rows,
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=6 * HOUR_SECONDS),
    libraries=("pyarrow",),
    uses_pandas=lambda settings: True,
    warm_imports=("py3langid.langid",),
    traits=_traits,
    estimate=_estimate,
    known=known_texts,
)
