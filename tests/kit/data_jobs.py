"""A job's world for tests of the data jobs: a real directory, blobs by SHA-256, inputs that are plain folders."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.lib.context import Checkpoints, Context, Journal
from polyglot.core.errors import Missing
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.kind import File, Params
from tests.kit.folder_input import FolderInput


class DataContext(Context):
    """A Context over a folder of blobs; `offer` puts a file among them and returns how parameters name it."""

    blobs: Path

    def blob(self, sha256: str) -> Path:
        path = self.blobs / sha256
        if not path.is_file():
            raise Missing(sha256)
        return path

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        assert 0 <= done <= total
        assert unit

    def stopping(self) -> bool:
        return False

    def offer(self, name: str, data: bytes) -> File:
        sha256 = hashlib.sha256(data).hexdigest()
        (self.blobs / sha256).write_bytes(data)
        return File(sha256=sha256, bytes=len(data), name=name)


class _Unused:
    """The data jobs keep no checkpoint and no journal; touching either fails the test."""


def data_context(root: Path, *, inputs: Mapping[str, Path] | None = None) -> DataContext:
    for name in ("out", "work", "blobs"):
        (root / name).mkdir(parents=True)
    unused: Any = _Unused()
    checkpoints: Checkpoints = unused
    journal: Journal = unused
    context = DataContext(
        stage=Stage(kind="none", version=0, params={}),
        resources=Resources(),
        settings={},
        inputs={role: FolderInput(path) for role, path in (inputs or {}).items()},
        out=root / "out",
        work=root / "work",
        checkpoints=checkpoints,
        journal=journal,
        log=logging.getLogger("test"),
    )
    context.blobs = root / "blobs"
    return context


def staged(context: DataContext, params: Params, roles: Sequence[str] = ()) -> DataContext:
    """Give a context the stage of these parameters."""
    context.stage = Stage(
        kind=params.kind, version=params.version, params=params.document(), inputs=dict.fromkeys(roles, "0" * 64)
    )
    return context
