"""A small study whose nights are watched, and weights that change behind its back."""

import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from polyglot.attempts.retract import retract
from polyglot.core import records
from polyglot.core.stage import PlannedStage
from polyglot.engine.submission import submission_of_night
from polyglot.kinds.drift import Drift
from polyglot.store.artifact import StoredArtifact
from polyglot.store.committed import committed
from polyglot.store.nights import find_night
from polyglot.store.store import Store
from tests.kit.bad_inputs.studies import study_text
from tests.kit.judge_rows import prompt_file
from tests.kit.stages import commit

NAME = "one"
QUESTIONS = [
    {"question_id": number, "category": category, "turns": [f"Say {number}.", f"Say {number} again, and {category}."]}
    for number in range(1, 21)
    for category in (("writing", "humanities")[number % 2],)
]


def watched_study(folder: Path) -> Path:
    """Write a study of one trained and one untuned model, 20 questions of two turns and a judge of an endpoint."""
    questions, prompts = folder / "questions.jsonl", prompt_file(folder / "prompts.jsonl")
    questions.write_text("".join(json.dumps(question) + "\n" for question in QUESTIONS), encoding="utf-8")
    named = ", ".join(
        f"{role}: {{EN: {{path: {file.name}, sha256: {hashlib.sha256(file.read_bytes()).hexdigest()}}}}}"
        for role, file in (("questions", questions), ("prompts", prompts))
    )
    text = study_text(
        study=NAME,
        seeds="[0]",
        models="{tiny: {built-in: {steps: 20}}}",
        mixes="[EN]",
        training="{steps: 20, max-tokens: 64}",
        benchmark=f"{{format: mt-bench, {named}}}",
        answers="{max-new-tokens: 8}",
        judge="{endpoint: openai, model: m, price-usd-per-mtok-prompt: 1, price-usd-per-mtok-completion: 1}",
    )
    path = folder / f"{NAME}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def drift_of(store: Store, night: str, cache: Path) -> Drift:
    """What a night has found."""
    (planned,) = _stages(store, night, "drift")
    return records.read(_made(store, planned, cache).path("drift.json"), Drift)


def shake(store: Store, night: str, folder: Path) -> None:
    """Put other weights into the place of the trained ones of a night, as a training elsewhere would."""
    (planned,) = _stages(store, night, "train")
    artifact, out = _made(store, planned, folder / "cache"), folder / "shaken"
    for name in artifact.names():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        source = artifact.path(name)
        if name.endswith(".safetensors"):
            random = np.random.default_rng(1)
            weights = {
                key: value + random.normal(0, 0.1, value.shape).astype(value.dtype)
                for key, value in load_file(source).items()
            }
            save_file(weights, out / name, metadata={"format": "pt"})
        else:
            (out / name).write_bytes(source.read_bytes())
    retract(store, "train", planned.key, reason="trained elsewhere", who="test")
    commit(store, planned.stage, out, inputs=artifact.results_read)


def _stages(store: Store, night: str, kind: str) -> list[PlannedStage]:
    record = find_night(store, NAME, night)
    assert record is not None
    return [planned for planned in submission_of_night(store, record).stages if planned.stage.kind == kind]


def _made(store: Store, planned: PlannedStage, cache: Path) -> StoredArtifact:
    manifest = committed(store, planned.stage.kind, planned.key)
    assert manifest is not None
    return StoredArtifact(store, manifest, cache)
