"""Provokes the defects: each command line for those that are told at once, one run of all the others together."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from polyglot.attempts.attempts import Attempts
from polyglot.cli.session import Session, open_session
from polyglot.cli.submit import keep_study
from polyglot.core.stage import PlannedStage
from polyglot.engine.engine import run
from polyglot.kinds.registry import kind_of
from tests.kit.bad_studies import BadStudy
from tests.kit.judge_server import Call, Step, reply, status


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one study was told: by which stages (none: before any), its lines, and which costly stages had started."""

    by: tuple[str, ...]
    lines: tuple[str, ...]
    started: tuple[str, ...]


def judge(call: Call) -> Step:
    """An endpoint that refuses what the model's name says."""
    answers: Mapping[str, Step] = {
        "wrong-key": status(401, "Incorrect API key provided", error={"code": "invalid_api_key"}),
        "wrong-key-too": status(401, "Incorrect API key provided", error={"code": "invalid_api_key"}),
        "unknown": status(404, "The model `unknown` does not exist", error={"code": "model_not_found"}),
        "no-temperature": status(
            400,
            "Unsupported value: 'temperature' does not support 0.3 with this model.",
            error={"param": "temperature", "code": "unsupported_value"},
        ),
        "short": status(
            400,
            "max_tokens is too large: 100000. This model supports at most 4096 completion tokens.",
            error={"param": "max_tokens", "code": "invalid_value"},
        ),
        "no-money": status(429, "You exceeded your current quota", error={"code": "insufficient_quota"}),
    }
    return answers.get(str(call.body["model"]), reply("ready"))


def folder_of(root: Path, good: Path, number: int) -> Path:
    """A copy of the good study's files."""
    return Path(shutil.copytree(good, root / f"study-{number}"))


def run_together(cases: Sequence[BadStudy], root: Path, good: Path, store: str) -> dict[str, Told]:
    """Run whole studies in one engine, as `submit` would each, and say what each was told."""
    sessions: dict[str, Session] = {}
    for number, case in enumerate(cases):
        path = case.write(folder_of(root, good, number), number)
        sessions[case.name] = open_session(path, mix=None, profile="local", store=store)
    first = next(iter(sessions.values()))
    stages: dict[str, PlannedStage] = {}
    for session in sessions.values():
        keep_study(session)
        stages |= {planned.key: planned for planned in session.plan}
    scheduler = first.site.scheduler("bad", first.store)
    with scheduler:
        run(list(stages.values()), first.store, scheduler)
    return {name: _told(session) for name, session in sessions.items()}


def _told(session: Session) -> Told:
    by, lines, started = [], [], []
    for planned in session.plan:
        attempts = Attempts(session.store, planned.stage)
        if kind_of(planned.stage.kind).costly and attempts.numbers():
            started.append(planned.label)
        failure = attempts.blocked()
        if failure is not None:
            by.append(planned.stage.kind)
            lines += [f"{planned.label}: {line}" for line in failure.findings or (failure.reason,)]
    return Told(by=tuple(dict.fromkeys(by)), lines=tuple(lines), started=tuple(started))
