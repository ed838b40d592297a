"""A judge stage on a folder: the real job and the real journal on real files, without the rest of a worker.

`python -m tests.kit.judge_stage FOLDER` runs the stage that `build` wrote there, in a process that can be killed.
"""

import importlib
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from jobs.lib.context import Context, Input
from polyglot.attempts.journal import StoredJournal
from polyglot.attempts.replies import StoredReplies
from polyglot.core.canonical import sha256_bytes, sha256_file
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.compare import CompareParams
from polyglot.kinds.judge import JudgeParams
from polyglot.kinds.kind import Params
from polyglot.store.locate import open_store
from polyglot.store.store import Store
from tests.kit.folder_input import FolderInput


def journal(root: Path) -> StoredJournal:
    """The real journal in a real directory store, opened as a new start of the stage's one attempt."""
    starts = root / "starts"
    starts.mkdir(exist_ok=True)
    start = 1
    while True:
        try:
            (starts / str(start)).touch(exist_ok=False)
        except FileExistsError:
            start += 1
            continue
        return StoredJournal(store_of(root), stage_of(root), 1, start)


def store_of(root: Path) -> Store:
    """The stage's own store, unless another stage's folder lends it one."""
    lent = root / "shares"
    return open_store(f"file://{(Path(lent.read_text()) if lent.exists() else root) / 'store'}")


def share_store(root: Path, owner: Path) -> None:
    """Have the stage below `root` use the store of another one."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "shares").write_text(str(owner))


def job_of(kind: str) -> ModuleType:
    """The module that does a kind's work."""
    return importlib.import_module(f"jobs.{kind}.job")


def records(root: Path) -> list[dict[str, Any]]:
    """Every record that is durable by now."""
    return journal(root).read()


def stage_of(root: Path) -> Stage:
    """The stage that `build` wrote below `root`; of those that share a store each folder's is another."""
    document = json.loads((root / "stage.json").read_text())
    inputs = {"folder": sha256_bytes(root.name.encode())} if (root / "shares").exists() else {}
    return Stage(kind=document.get("kind", "judge"), version=1, params=document["params"], inputs=inputs)


class NoCheckpoints:
    """The judge job has none: its journal is what it goes on from."""

    def save(self, directory: Path, step: int) -> None:
        raise AssertionError("the judge saves no checkpoints")

    def newest(self, target: Path) -> int | None:
        return None


@dataclass(kw_only=True)
class FolderContext(Context):
    """Blobs lie in a folder by their SHA-256; `stop_after` asks to stop after that many progress lines."""

    blobs: Path
    shown: list[dict[str, float]] = field(default_factory=list)
    stop: bool = False

    def blob(self, sha256: str) -> Path:
        return self.blobs / sha256

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        self.shown.append({"done": done, "total": total, **figures})

    def stopping(self) -> bool:
        return self.stop


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def build(
    root: Path,
    *,
    questions: Mapping[str, Sequence[Mapping[str, Any]]],
    answers: Mapping[str, Sequence[Mapping[str, Any]]],
    prompts: Mapping[str, Path],
    references: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    settings: Mapping[str, Any] | None = None,
    against: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    **params: Any,
) -> Path:
    """Write a whole stage below `root` and return it: a comparison with the answers `against`, where there are any."""
    answered = {"answers": answers} if against is None else {"first": answers, "second": against}
    for role, rows in (("questions", questions), *answered.items(), ("references", references or {})):
        folder = role if role not in ("first", "second") else "answers"
        for language, items in rows.items():
            write_rows(root / role / folder / f"{language}.jsonl", items)
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    if "max_failed_share" in params:
        settings = {**(settings or {}), "max_failed_share": params.pop("max_failed_share")}
    digests = {}
    for language, path in prompts.items():
        digests[language] = sha256_file(path)
        (root / "blobs" / digests[language]).write_bytes(path.read_bytes())
    given: dict[str, Any] = {"endpoint": "openai", "model": "judge-1"} | params
    kind = JudgeParams if against is None else CompareParams
    document = kind(languages=tuple(questions), prompts_sha256=digests, **given).document()
    stage = {"kind": kind.kind, "params": document, "settings": dict(settings or {})}
    (root / "stage.json").write_text(json.dumps(stage))
    return root


def context(root: Path, **settings: Any) -> FolderContext:
    """The context of one attempt at the stage below `root`; `settings` are added to those that were built in."""
    stage = json.loads((root / "stage.json").read_text())
    roles = [role for role in ("answers", "first", "second", "questions", "references") if (root / role).exists()]
    for name in ("out", "work"):
        (root / name).mkdir(exist_ok=True)
    return FolderContext(
        stage=stage_of(root),
        resources=Resources(),
        settings=stage["settings"] | settings,
        inputs={role: FolderInput(root / role) for role in roles},
        out=root / "out",
        work=root / "work",
        checkpoints=NoCheckpoints(),
        journal=journal(root),
        replies=StoredReplies(store_of(root), stage_of(root)),
        log=logging.getLogger("judge"),
        blobs=root / "blobs",
    )


def context_of(root: Path, params: Params, inputs: Mapping[str, Input]) -> FolderContext:
    """The context of a stage below `root` that reads what others made; its result goes to `out`."""
    stage = Stage(kind=params.kind, version=params.version, params=params.document())
    (root / "stage.json").write_text(json.dumps({"kind": stage.kind, "params": stage.params}))
    (root / "starts").mkdir(exist_ok=True)
    (root / "out").mkdir()
    return FolderContext(
        stage=stage,
        resources=Resources(),
        settings={},
        inputs=inputs,
        out=root / "out",
        work=root,
        checkpoints=NoCheckpoints(),
        journal=journal(root),
        log=logging.getLogger(stage.kind),
        blobs=root,
    )


def verdicts(root: Path, language: str) -> list[dict[str, Any]]:
    """The verdict records that the stage wrote for one language."""
    lines = (root / "out" / "verdicts" / f"{language}.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    here = context(Path(sys.argv[1]))
    with here.journal:  # type: ignore[attr-defined]
        job_of(here.stage.kind).run(here)
