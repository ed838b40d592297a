"""Files of others, and the job that reads them, over a benchmark of four questions with two turns each."""

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.imported.job import run
from jobs.lib.context import Context
from polyglot.core import records
from polyglot.core.canonical import digest, sha256_file
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.imported import ImportedParams
from polyglot.kinds.judge import Verdict
from polyglot.kinds.kind import File
from polyglot.kinds.rows import Question
from tests.kit.folder_input import FolderInput

QUESTIONS = [Question(id=str(81 + at), language="EN", category="math", turns=("a?", "b?")) for at in range(4)]
Row = dict[str, Any]


class Blobs(Context):
    """A context whose blobs are the files of the test."""

    blobs: dict[str, Path]

    def blob(self, sha256: str) -> Path:
        return self.blobs[sha256]


@dataclass
class Imports:
    """Files of others, and the stages that read them."""

    root: Path
    inputs: dict[str, FolderInput] = field(default_factory=dict)

    def read(
        self, what: str, *rows: Row, model: str = "", languages: tuple[str, ...] = ("EN",), role: str = ""
    ) -> Path:
        """Run the job on these rows, the same ones in each language, and return its folder; later ones may read it."""
        role = role or what
        folder = self.root / role
        for language in languages:
            asked = self.root / "asked" / "questions" / f"{language}.jsonl"
            asked.parent.mkdir(parents=True, exist_ok=True)
            records.write_lines(asked, QUESTIONS)
        self.inputs["questions"] = FolderInput(self.root / "asked", digest("questions"))
        (folder / "out").mkdir(parents=True)
        file = folder / "file.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        named = File(sha256=sha256_file(file), bytes=file.stat().st_size, name=file.name)
        params = ImportedParams(what=what, languages=languages, files=dict.fromkeys(languages, named), model=model)  # type: ignore[arg-type]
        context = Blobs(
            stage=Stage(kind="imported", version=1, params=params.document(), inputs={}),
            resources=Resources(),
            settings={},
            inputs=self.inputs,
            out=folder / "out",
            work=folder,
            checkpoints=None,  # type: ignore[arg-type]
            journal=None,  # type: ignore[arg-type]
            log=logging.getLogger("imported"),
        )
        context.blobs = {named.sha256: file}
        run(context)
        self.inputs[role] = FolderInput(folder / "out", digest(role))
        return folder / "out"

    def verdicts(self, *rows: Row, **more: Any) -> list[Verdict]:
        folder = self.read("verdicts", *rows, **more)
        return list(records.read_lines(folder / "verdicts" / "EN.jsonl", Verdict))


def answer(question: int, *turns: str, model: str = "one", **more: Any) -> Row:
    return {"question_id": question, "model_id": model, "choices": [{"index": 0, "turns": list(turns)}], **more}


def rating(question: int, turn: int, score: float | None, model: str = "one", judge: str = "gpt-4") -> Row:
    named = {"question_id": question, "model": model, "judge": [judge, "single-v1"], "turn": turn}
    return {**named, "score": score, "judgment": f"[[{score}]]"}
