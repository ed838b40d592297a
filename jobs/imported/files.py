"""What all imports share: the benchmark's questions, the files, what is told of them, and import.json."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.lib.context import Context
from jobs.lib.patience import Patience
from polyglot.core import records
from polyglot.core.errors import Permanent
from polyglot.exchange.choose import Chosen, R
from polyglot.kinds.imported import ImportedFile, ImportRecord
from polyglot.kinds.kind import File
from polyglot.kinds.rows import Question
from polyglot.store.fetching import fetch

MOST_TOLD = 100  # lines of one file in the log
MISSING = "not-in-file"


def asked(context: Context, language: str) -> Mapping[str, Question]:
    """The questions of a language, by id."""
    rows = context.inputs["questions"].lines(f"questions/{language}.jsonl", Question)
    return {row.id: row for row in rows}


def local(file: File, context: Context) -> Path:
    """Where a file lies on this machine; it is fetched from its address first, where it has one."""
    if file.uri is None:
        return context.blob(file.sha256)
    target = context.work / "fetched" / file.sha256
    return Patience(context).ask(file.name, lambda: fetch(file, target))


def tell(context: Context, told: Sequence[str]) -> None:
    """Name in the log what is there twice, what failed, and what else is to be told."""
    for line in told[:MOST_TOLD]:
        context.log.warning("%s", line)
    if len(told) > MOST_TOLD:
        context.log.warning("%d more lines of this kind", len(told) - MOST_TOLD)


def one_judge(judges: Mapping[str, str], of: str) -> str:
    """The judge, which is one in all languages. Raises Permanent."""
    if len(set(judges.values())) > 1:
        said = ", ".join(f"{language} {judge}" for language, judge in judges.items())
        raise Permanent(f"one judge rates all languages of {of}: got {said}")
    return next(iter(judges.values()))


def file_of(file: File, chosen: Chosen[R], missing: int, unused: int) -> ImportedFile:
    """Raises Permanent where nothing of a file is of use: it is of another benchmark."""
    if unused and unused == len({one.row.identity for one in chosen.rows}):
        raise Permanent(f"{file.name}: nothing on any question of the benchmark, of {len(chosen.rows)} rows")
    return ImportedFile(
        name=file.name,
        sha256=file.sha256,
        model=chosen.model,
        rows=len(chosen.rows),
        repeats=chosen.repeats,
        failures=chosen.failures,
        missing=missing,
        unused=unused,
    )


def write_record(context: Context, record: ImportRecord) -> None:
    """Write import.json."""
    (context.out / "import.json").write_bytes(records.to_json(record) + b"\n")
    for name in ("repeats", "failures", "missing", "unused"):
        context.metrics[f"file_{name}"] = sum(getattr(file, name) for file in record.files.values())
