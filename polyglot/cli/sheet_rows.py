"""The turns that a sheet is drawn from, read out of the store: what the quality stages of a study have read."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from polyglot.cli.view import View
from polyglot.core.errors import BadInput, PolyglotError
from polyglot.kinds.registry import kinds_for
from polyglot.sheets.sample import Turn
from polyglot.store.artifact import StoredArtifact
from polyglot.store.blobs import fetch
from polyglot.store.committed import committed, find
from polyglot.store.manifest import FileRecord, Manifest

FOLDERS = {"dataset": "rows", "questions": "questions", "references": "references"}
_LABEL = "quality "  # before the name of a translation


def checks_of(view: View) -> list[str]:
    """The names of the translations that a study assesses."""
    return [planned.label.removeprefix(_LABEL) for planned in view.plan if planned.label.startswith(_LABEL)]


def turns_of(view: View, only: Sequence[str] | None) -> Iterator[Turn]:
    """Yield every turn of every check, or of those named. Raises BadInput for a name that the study lacks."""
    names = checks_of(view)
    if not names:
        raise BadInput("the study assesses no translation", where=view.title, remedy="Add `quality:` to its file")
    strange = [name for name in only or () if name not in names]
    if strange:
        raise BadInput("no such translation", where="--check", got=strange[0], expected="one of " + ", ".join(names))
    for name in dict.fromkeys(only or names):
        yield from _turns(view, name)


def _turns(view: View, name: str) -> Iterator[Turn]:

    planned = view.plan.find(f"{_LABEL}{name}")
    manifest = committed(view.store, "quality", planned.key)
    if manifest is None:
        raise PolyglotError(f"quality {name} is not there yet; `polyglot submit` makes it")
    params = planned.stage.params
    with tempfile.TemporaryDirectory() as folder:
        source, translated = (
            _rows(_input(view, manifest, role, Path(folder)), str(params["what"]), str(params[language]))
            for role, language in (("source", "source"), ("translated", "target"))
        )
        file = manifest.file("rows.jsonl")
        records = _records(view, file, Path(folder))
    of = json.dumps([planned.stage.inputs["source"], params["what"], params["source"], params["target"]])
    for record in records:
        place = record["turn"] - 1
        yield Turn(
            check=name,
            of=of,
            id=record["id"],
            turn=record["turn"],
            category=record["category"],
            languages=f"{params['source']} to {params['target']}",
            source=source[record["id"]][place],
            translation=translated[record["id"]][place],
        )


def _input(view: View, manifest: Manifest, role: str, folder: Path) -> StoredArtifact:

    found = find(view.store, manifest.stage.inputs[role], first=kinds_for(manifest.stage.kind, role))
    if found is None:
        raise PolyglotError(f"{manifest.stage.path}: its input {role} was withdrawn; submit the study again")
    return StoredArtifact(view.store, found, folder / role)


def _rows(artifact: StoredArtifact, what: str, language: str) -> Mapping[str, list[str]]:
    with artifact.path(f"{FOLDERS[what]}/{language}.jsonl").open("rb") as lines:
        rows = [json.loads(line) for line in lines]
    return {row["id"]: [turn if isinstance(turn, str) else turn["content"] for turn in row["turns"]] for row in rows}


def _records(view: View, file: FileRecord | None, folder: Path) -> list[dict[str, Any]]:
    if file is None:
        raise PolyglotError("a quality stage has no rows.jsonl")
    fetch(view.store, file, folder / "records.jsonl")
    with (folder / "records.jsonl").open("rb") as lines:
        return [json.loads(line) for line in lines]
