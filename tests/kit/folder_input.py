"""A committed artifact as a plain folder, for tests of jobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jobs.lib.context import Input
from polyglot.core.canonical import Json
from polyglot.core.errors import Missing


@dataclass
class FolderInput(Input):
    """A committed artifact, as a folder."""

    root: Path
    key: str = "0" * 64
    metrics: Mapping[str, Json] = field(default_factory=dict)
    made_from: Mapping[str, str] = field(default_factory=dict)
    results_read: Mapping[str, str] = field(default_factory=dict)
    execution: Mapping[str, Json] = field(default_factory=dict)

    def names(self) -> list[str]:
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file())

    def path(self, name: str) -> Path:
        if not (self.root / name).is_file():
            raise Missing(name)
        return self.root / name

    def directory(self, name: str) -> Path:
        return self.root / name
