"""Train stages over tiny inputs: their preparation, their contexts, and what is compared between runs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.tokenize import job as tokenize
from polyglot.core.canonical import sha256_file
from polyglot.kinds.tokenize import TokenizeParams
from polyglot.kinds.train import TrainParams
from tests.kit.model_jobs import ModelContext, model_context, write_base, write_mix, write_rows

ROWS = [
    (f"Nenne {number}!", f"Hier ist {number * 7 % 10}.", "Und?", "Gut.")[: 2 + 2 * (number % 2)] for number in range(12)
]


def prepare(
    root: Path, architecture: str = "llama", tokenizer: Any = None, rows: Sequence[Sequence[str]] = ROWS
) -> dict[str, Path]:
    """Base, token set and mixture: the inputs of a train stage."""
    base = write_base(root / "base", architecture, tokenizer)
    context = model_context(
        root / "tokens",
        TokenizeParams(language="DE", system="Sei kurz.", max_tokens=200, over_long="drop"),
        {"rows": write_rows(root / "rows", "DE", rows), "base": base},
    )
    tokenize.run(context)
    mix = write_mix(root / "mix", [("DE", number) for number in range(len(rows))])
    return {"base": base, "mix": mix, "tokens:DE": context.out}


def context_of(
    root: Path, inputs: dict[str, Path], *, seed: int = 0, settings: dict[str, Any] | None = None, **changes: Any
) -> ModelContext:
    values: dict[str, Any] = {"steps": 6, "batch_size": 4, "learning_rate": 3e-3, "precision": "float32", **changes}
    return model_context(root, TrainParams(**values), inputs, seed=seed, settings=settings)


def digests(context: ModelContext) -> dict[str, str]:
    files = [path for path in sorted(context.out.rglob("*")) if path.is_file()]
    return {path.relative_to(context.out).as_posix(): sha256_file(path) for path in files}


def record(context: ModelContext) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((context.out / "training.json").read_text())
    return value
