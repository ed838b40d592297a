"""Copies folders of results out of a store, each whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from polyglot.core.errors import BadInput, Corrupt, PolyglotError
from polyglot.export.selection import Wanted
from polyglot.store.blobs import fetch
from polyglot.store.committed import committed
from polyglot.store.manifest import FileRecord, Manifest
from polyglot.store.store import Store
from polyglot.store.verify import verify_file


class NotComputed(PolyglotError):
    """The stage that makes a result is not done: it lacks nothing but time."""


class Beside(Protocol):
    """A text that is made when a result is taken out, and is put beside the result's files."""

    @property
    def name(self) -> str:
        """What its file is called."""
        ...

    def text(self, manifest: Manifest) -> str:
        """The text as it is now."""
        ...

    def wrote(self, text: str) -> bool:
        """Whether a text is one of these, of whatever time, and nobody has changed it since."""
        ...


def manifest_of(store: Store, wanted: Wanted) -> Manifest:
    """What was committed. Raises NotComputed when the stage is not done, StoreError for a store that fails."""
    stage = wanted.planned.stage
    manifest = committed(store, stage.kind, stage.key)
    if manifest is None:
        raise NotComputed(
            f"{wanted.planned.label}: not computed yet; `polyglot submit` makes it, `status` says how far"
        )
    return manifest


def take(store: Store, wanted: Wanted, target: Path, *, beside: Beside | None = None) -> Path:
    """Copy the folder of one result to `target`, with a text `beside` its files, and return `target`.

    A folder that holds just that already is left alone, and nothing of it is fetched; of the text beside it, one that
    was written there before becomes the one of now. Raises BadInput for a folder that holds something else and for a
    place that cannot be written, NotComputed when the stage is not done, StoreError for a store that fails.
    """
    manifest = manifest_of(store, wanted)
    records = {
        record.path.removeprefix(wanted.folder): record
        for record in manifest.files
        if record.path.startswith(wanted.folder)
    }
    if not records:
        raise PolyglotError(f"{wanted.planned.label}: its result has no {wanted.folder}")
    text = beside.text(manifest) if beside else ""
    there = os.path.lexists(target)
    if there and (other := _other(target, records, beside, text)):
        remedy = "Name another folder with --to, or remove it"
        raise BadInput("there is something else already", where=str(target), got=other, remedy=remedy)
    if there and (not beside or _text_of(target / beside.name) == text):
        return target
    with scratch_beside(target) as name:
        made = Path(name) / "made"
        made.mkdir()
        for path, record in {} if there else records.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            fetch(store, record, made / path)
        if beside:
            (made / beside.name).write_text(text, encoding="utf-8")
        if beside and there:
            (made / beside.name).replace(target / beside.name)
        else:
            shutil.move(made, target)
    return target


def scratch_beside(target: Path) -> "tempfile.TemporaryDirectory[str]":
    """A folder for the parts of what becomes `target`, on the same disk. Raises BadInput where none can be made."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-")
    except OSError as error:
        raise BadInput("nothing can be written there", where=str(target.parent), got=error.strerror or "") from error


def _other(target: Path, records: Mapping[str, FileRecord], beside: Beside | None, text: str) -> str:
    """What keeps a place from holding just these files and the text beside them; empty when nothing does."""
    if not target.is_dir():
        return "a link to nothing" if not target.exists() else "a file"
    found = {path.relative_to(target).as_posix() for path in target.rglob("*") if not path.is_dir()}
    if lacking := sorted(records.keys() - found):
        return f"no {lacking[0]} in it"
    extra = {beside.name} if beside else set()
    if more := sorted(found - records.keys() - extra):
        return f"{more[0]} in it"
    for path, one in records.items():
        try:
            verify_file(target / path, sha256=one.sha256, size=one.bytes, chunks=one.chunks, name=path)
        except (Corrupt, OSError):
            return f"another {path} in it"
    if beside and beside.name in found:
        written = _text_of(target / beside.name)
        if written != text and not beside.wrote(written):
            return f"another {beside.name} in it"
    return ""


def _text_of(path: Path) -> str:
    """What a file says, and nothing for one that is not there."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
