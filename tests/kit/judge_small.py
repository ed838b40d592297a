"""Small judge stages against a scripted endpoint, for the fault tests."""

from pathlib import Path
from typing import Any

from tests.kit import judge_rows, judge_stage
from tests.kit.judge_server import ScriptedJudge, Step, reply

QUICK = {"timeout_seconds": 3.0, "backoff_seconds": 0.01, "concurrency": 8, "call_deadline_seconds": 20}
FINE = "It is fine.\n\nRating: [[7]]"


def stage(root: Path, base_url: str, *, count: int = 4, settings: dict[str, Any] | None = None, **params: Any) -> Path:
    """A stage of `count` German questions with two turns each: 2 x count calls."""
    root.mkdir(parents=True, exist_ok=True)
    questions = {"DE": judge_rows.questions("DE", count)}
    return judge_stage.build(
        root,
        questions=questions,
        answers={"DE": judge_rows.answers(questions["DE"])},
        prompts={"DE": judge_rows.prompt_file(root / "judge_prompts.jsonl")},
        settings=QUICK | {"base_url": base_url} | (settings or {}),
        **params,
    )


def pairs(root: Path, base_url: str, *, count: int = 4, settings: dict[str, Any] | None = None, **params: Any) -> Path:
    """A comparison of `count` German questions with two turns each: 4 x count calls."""
    root.mkdir(parents=True, exist_ok=True)
    questions = {"DE": judge_rows.questions("DE", count)}
    first = judge_rows.answers(questions["DE"])
    second = [row | {"turns": [judge_rows.spoken(f"other {turn['text']}") for turn in row["turns"]]} for row in first]
    return judge_stage.build(
        root,
        questions=questions,
        answers={"DE": first},
        against={"DE": second},
        prompts={"DE": judge_rows.prompt_file(root / "judge_prompts.jsonl")},
        settings=QUICK | {"base_url": base_url} | (settings or {}),
        **params,
    )


def run(root: Path, **settings: Any) -> judge_stage.FolderContext:
    """Run one attempt to its end and return its context."""
    context = judge_stage.context(root, **settings)
    judge_stage.job_of(context.stage.kind).run(context)
    return context


def always(step: Step) -> ScriptedJudge:
    """A server that does the same thing for every request."""
    return ScriptedJudge(lambda call: step)


def once(step: Step) -> ScriptedJudge:
    """A server that misbehaves at the first request for each body and answers the next."""
    return ScriptedJudge(lambda call: step if call.nth == 1 else reply(FINE))
