"""Where an ingest's records come from: built in, the store's blobs, a pinned URI, or the hub at a pinned revision.

A source yields `Document`s: named files of one language. Every file read from outside is verified against its SHA-256
(or, on the hub, named by a 40-digit revision) before its first record is seen.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jobs.ingest import hub
from jobs.ingest.reading import read_records
from jobs.ingest.streams import Record
from jobs.lib.context import Context
from jobs.lib.patience import Patience
from polyglot.core.errors import Permanent
from polyglot.kinds import judge_prompts
from polyglot.kinds.ingest import IngestParams, LanguageColumn
from polyglot.kinds.kind import File
from polyglot.kinds.rows import FOLDERS, FORMS, Rejection
from polyglot.store.fetching import fetch


@dataclass(frozen=True, slots=True)
class Document:
    """One file of one language. `records` can be read once."""

    name: str
    records: Iterable[Record]


def name_of(params: IngestParams) -> str:
    """Return what origins call the source."""
    if params.source == "built-in":
        return params.builtin or "built-in"
    return params.hub or "hub" if params.source == "hub" else params.source


def documents(params: IngestParams, language: str, context: Context) -> Iterator[Document]:
    """Yield the documents of a language in the order of the parameters. Raises Permanent when it has none."""
    if params.source == "built-in":
        yield Document(f"{params.builtin}.{language}", _built_in(params, language))
        return
    if params.source == "stages":
        yield from _of_stage(params, language, context)
        return
    if params.source == "hub":
        for name, records in hub.files(params, language, context.work / "hub", Patience(context)):
            yield Document(name, _of(language, params.language_column, records))
        return
    files = params.files.get(language, ())
    if not files:
        raise Permanent(
            f"files.{language}: got no file; expected at least one for each of {' '.join(params.languages)}"
        )
    for file in files:
        name = file.name.partition("?")[0]  # a signed address keeps its signature in the query
        yield Document(name, read_records(_local(file, context), name))


def _of(language: str, column: LanguageColumn | None, records: Iterable[Record]) -> Iterable[Record]:
    """The records of one language, and those of which nobody can say which language they are."""
    if column is None:
        return records
    name, value = column.name, column.values[language]
    return (one for one in records if not isinstance(one.value, Mapping) or one.value.get(name, value) == value)


def _of_stage(params: IngestParams, language: str, context: Context) -> Iterator[Document]:
    """One language as another stage wrote it, and what that stage rejected."""
    folder = FOLDERS[params.what]
    source = context.inputs[f"{folder}:{language}"]
    name = f"{folder}/{language}.jsonl"
    forms = source.lines(name, FORMS[params.what])
    yield Document(name, (Record(number, form) for number, form in enumerate(forms, 1)))
    rejected = source.lines("rejected.jsonl", Rejection)
    mine = (Record(row.line, row, reason=row.reason) for row in rejected if row.language == language)
    yield Document("rejected.jsonl", mine)


def prompt_rows(params: IngestParams, language: str, context: Context) -> list[dict[str, object]]:
    """Return the objects in a language's judge prompts."""
    return [row for file in params.files[language] for _, row in judge_prompts.rows(_local(file, context), language)]


def _local(file: File, context: Context) -> Path:
    if file.uri is None:
        return context.blob(file.sha256)
    target = context.work / "fetched" / file.sha256
    return Patience(context).ask(file.name, lambda: fetch(file, target))


def _built_in(params: IngestParams, language: str) -> Iterator[Record]:
    from jobs import builtin  # only here: a study of published data needs none of it

    name = params.builtin or ""
    if params.what == "dataset":
        rows = builtin.instruction_rows(language)
    else:
        rows = (builtin.questions if params.what == "questions" else builtin.references)(name, language)
    for number, row in enumerate(rows, 1):
        yield Record(number, row)
