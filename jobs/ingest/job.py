"""The ingest stage: one published data set, benchmark or set of references becomes rows in the normal form.

Reads a source (built in, files by SHA-256, the hub at a pinned revision) and writes, per language, `rows/<LANG>.jsonl`
(`questions/…`, `references/…`), then `rejected.jsonl` with every record that has no normal form, and `card.json`: what
is in the data, and every defect that code can find. Rows in = rows accepted + rows rejected. Nothing is repaired.
Judge prompts stay the files that they are, which the judge reads: they get a card and nothing else. The part for
validation, where a data set has one, is in `validation/<LANG>.jsonl`. A published mix becomes `published.jsonl`, a
digest a row.
"""

from contextlib import ExitStack
from typing import IO

from msgspec.structs import replace

from jobs.ingest import card, pairing, sources, validation
from jobs.ingest.adapters.schemas import TABLES
from jobs.ingest.normalise import Normaliser
from jobs.ingest.published import write_digests
from jobs.lib.context import Context
from polyglot.core.errors import Permanent
from polyglot.core.records import line, to_json
from polyglot.kinds.ingest import IngestParams
from polyglot.kinds.rows import FOLDERS, VALIDATION_FOLDER, Rejection

# by the reason of most rejections, where another `format` does not help
_REMEDIES = {
    "not-text": "A study is of texts: rows with images or tools need to be left out",
    "system-message": "Put the system message into the first user turn: the study's template brings its own",
    "unknown-role": "Roles are user and assistant; messages of tools need to be left out",
    "other-language": "Are these the files of this language?",
    "empty-output": "Rows without an output teach nothing",
}
_CHECK_EVERY = 2000  # rows between two looks at whether the attempt was asked to stop


def run(context: Context) -> None:
    """Ingest every language of the parameters, then describe the whole in the card."""
    params = IngestParams.of(context.stage)
    if params.what == "prompts":
        _describe_prompts(params, context)
        return
    table = TABLES["dataset" if params.what == "published" else params.what]
    adapter = table.get(params.format)
    if adapter is None:
        known = " ".join(table)
        raise Permanent(f"format: got {params.format} for {params.what}; expected one of {known}")
    if params.what == "published":
        write_digests(params, adapter, context)
        return
    folder = context.out / FOLDERS[params.what]
    folder.mkdir(parents=True, exist_ok=True)
    tallies: dict[str, Normaliser] = {}
    held_out: dict[str, Normaliser] = {}
    with (context.out / "rejected.jsonl").open("wb") as rejected:
        for language in params.languages:
            tally = tallies[language] = Normaliser(
                what=params.what,
                language=language,
                adapter=adapter,
                dataset=sources.name_of(params),
                licence=params.licence,
            )
            _ingest(params, tally, context, rejected, folder.name)
            _refuse_nothing(tally)
            if params.own_validation:
                held_out[language] = _ingest_validation(params, tally, context, rejected)
            context.progress(len(tallies), len(params.languages), "languages", rows=tally.accepted)
    if params.what == "dataset":
        pairing.check(tallies, folder, params.pair_by)
        pairing.check(held_out, context.out / VALIDATION_FOLDER, params.pair_by)
    if params.validation_ids:
        validation.split(context.out, params.languages, params.validation_ids)
    document = card.describe(params, tallies, folder, context)
    if params.source != "stages":  # what a stage made has no files; an engine that copies is told by its quality
        card.refuse_exchanged(document)
    if params.validation_ids or params.own_validation:
        described = validation.describe(context.out, params.languages, params.validation_ids)
        document = replace(document, validation=described)
    (context.out / "card.json").write_bytes(to_json(document))
    context.metrics["rows"] = {language: tally.accepted for language, tally in tallies.items()}
    context.metrics["rejected"] = {language: tally.reasons.total() for language, tally in tallies.items()}


def _describe_prompts(params: IngestParams, context: Context) -> None:
    prompts = {language: sources.prompt_rows(params, language, context) for language in params.languages}
    (context.out / "card.json").write_bytes(to_json(card.describe_prompts(params, prompts)))
    context.metrics["rows"] = {language: len(rows) for language, rows in prompts.items()}


def _ingest_validation(params: IngestParams, train: Normaliser, context: Context, rejected: IO[bytes]) -> Normaliser:
    """Read a language's part for validation from its own place; positions there number other rows."""
    place = {
        "files": params.validation_files,
        "split": params.validation_split or params.split,
        "data_files": params.validation_data_files,
    }
    tally = Normaliser(
        what=train.what,
        language=train.language,
        adapter=train.adapter,
        dataset=train.dataset,
        licence=train.licence,
        positional=VALIDATION_FOLDER,
    )
    (context.out / VALIDATION_FOLDER).mkdir(exist_ok=True)
    _ingest(params.model_copy(update=place), tally, context, rejected, VALIDATION_FOLDER)
    _refuse_nothing(tally)
    return tally


def _ingest(params: IngestParams, tally: Normaliser, context: Context, rejected: IO[bytes], folder: str) -> None:
    path = context.out / folder / f"{tally.language}.jsonl"
    with ExitStack() as stack:
        accepted = stack.enter_context(path.open("wb"))
        for document in sources.documents(params, tally.language, context):
            for form in tally.file(document.name, document.records):
                (rejected if isinstance(form, Rejection) else accepted).write(line(form))
                if tally.records % _CHECK_EVERY == 0:
                    context.raise_if_stopping()


def _refuse_nothing(tally: Normaliser) -> None:
    """An empty language is never what a study meant: say why every record was rejected."""
    if tally.accepted:
        return
    reasons = ", ".join(f"{reason} {count}" for reason, count in tally.reasons.most_common(5)) or "no record at all"
    commonest = tally.reasons.most_common(1)
    remedy = _REMEDIES.get(commonest[0][0] if commonest else "", "Is `format` the right one?")
    raise Permanent(f"{tally.language}: none of {tally.records} records was accepted: {reasons}. {remedy}")
