"""Copies folders of results out of a store, each whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from polyglot.core.canonical import sha256_file
from polyglot.core.errors import BadInput, PolyglotError
from polyglot.export.selection import Wanted
from polyglot.store.blobs import fetch
from polyglot.store.committed import committed
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store


def manifest_of(store: Store, wanted: Wanted) -> Manifest:
    """What was committed. Raises PolyglotError when the stage is not done."""
    stage = wanted.planned.stage
    manifest = committed(store, stage.kind, stage.key)
    if manifest is None:
        raise PolyglotError(
            f"{wanted.planned.label}: not computed yet; `polyglot submit` makes it, `status` says how far"
        )
    return manifest


def take(
    store: Store, wanted: Wanted, target: Path, *, beside: Callable[[Manifest], dict[str, str]] | None = None
) -> Path:
    """Copy the folder of one result to `target`, with texts `beside` its files, and return `target`.

    A folder that holds just that already is left alone. Raises BadInput for one that holds something else, and
    PolyglotError when the stage is not done.
    """
    manifest = manifest_of(store, wanted)
    records = [record for record in manifest.files if record.path.startswith(wanted.folder)]
    if not records:
        raise PolyglotError(f"{wanted.planned.label}: its result has no {wanted.folder}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        made = Path(scratch) / "made"
        for record in records:
            path = made / record.path.removeprefix(wanted.folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            fetch(store, record, path)
        for name, text in (beside(manifest) if beside else {}).items():
            (made / name).write_text(text, encoding="utf-8")
        if target.exists():
            if _content(target) != _content(made):
                remedy = "Name another folder with --to, or remove it"
                raise BadInput("there is something else already", where=str(target), remedy=remedy)
        else:
            shutil.move(made, target)
    return target


def _content(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}
