"""Copies a study's report out of the store."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from polyglot.core.errors import BadInput, PolyglotError

if TYPE_CHECKING:
    from polyglot.cli.session import Session


def check_out(out: Path) -> None:
    """Raise BadInput when the report could not be put below `out`: told before a study runs, not after."""
    place = next(folder for folder in (out.absolute(), *out.absolute().parents) if os.path.lexists(folder))
    if not place.is_dir():
        raise BadInput("the report needs a folder", where="--out", got=f"{place}, which is a file", expected="a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise BadInput("the report cannot be written", where="--out", got=f"{place}: permission denied")


def deliver_report(session: "Session", out: Path) -> list[Path]:
    """Write the report's files to `out`/<study>[-<mix>] and return their paths, the page first.

    Raises PolyglotError when the report is not committed yet, BadInput when it cannot be put there.
    """
    check_out(out)
    from polyglot.artifacts.blobs import fetch
    from polyglot.artifacts.committed import committed

    stage = session.plan.stages[-1].stage
    manifest = committed(session.store, stage.kind, stage.key)
    if manifest is None:
        raise PolyglotError(
            f"{session.title}: there is no report yet; `polyglot submit` makes it, `status` says how far"
        )
    target = out / "".join(c if c.isalnum() or c in "-@." else "-" for c in session.title)
    target.mkdir(parents=True, exist_ok=True)
    for record in manifest.files:
        fetch(session.store, record, target / record.path)
    return sorted((target / record.path for record in manifest.files), key=lambda path: path.suffix != ".html")
