"""Provokes the defects: a command line for those that are told at once, one run of whole studies for all the others.

python -m tests.kit.bad_studies.provoke     writes lines.json anew, of which docs/errors.md has a section
"""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.cli.session import Session, open_session
from polyglot.cli.submit import keep_study
from polyglot.core.stage import PlannedStage
from polyglot.engine.engine import run
from polyglot.kinds.registry import kind_of
from tests.kit.bad_studies import LINES, BadStudy
from tests.kit.bad_studies.before import BEFORE
from tests.kit.bad_studies.files import write_good
from tests.kit.bad_studies.stages import STAGES
from tests.kit.desk import Desk
from tests.kit.hub_server import NAME, Repository, serve
from tests.kit.judge_server import Call, ScriptedJudge, Step, reply, status

LANGUAGES = ("EN", "DE")
_SHOWN = {"judge": "http://judge.example/v1", "hub": "https://huggingface.co"}  # in place of loopback addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one study was told: by stages of which kinds (none: before any), and its lines.

    `started` are the costly stages of which an attempt began.
    """

    code: int
    by: tuple[str, ...]
    lines: tuple[str, ...]
    started: tuple[str, ...]


def provoke_all(root: Path) -> dict[str, Told]:
    """Provoke every defect in a folder, by its name."""
    good = root / "good"
    good.mkdir()
    write_good(good)
    repositories = (
        Repository(name="someone/gated", kind="models", files={"config.json": b"{}"}, token="hf_of_somebody"),  # noqa: S106
        Repository(
            name=NAME,
            files={f"{code.lower()}/train.jsonl": (good / f"{code}.jsonl").read_bytes() for code in LANGUAGES},
        ),
    )
    with pytest.MonkeyPatch.context() as patch, ScriptedJudge(judge) as server, serve(*repositories) as hub:
        desk = Desk.at(root, patch)
        patch.setenv("HF_ENDPOINT", hub.endpoint)
        patch.setenv("HF_HOME", str(root / "home"))
        for name in ("HF_TOKEN", "HF_TOKEN_PATH"):
            patch.delenv(name, raising=False)
        patch.setenv("OPENAI_BASE_URL", server.base_url)
        told = {case.name: _at_once(case, number, desk, good) for number, case in enumerate(BEFORE)}
        told |= _together(STAGES, desk, good, {server.base_url: _SHOWN["judge"], hub.endpoint: _SHOWN["hub"]})
    return told


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


def _at_once(case: BadStudy, number: int, desk: Desk, good: Path) -> Told:
    """What `polyglot check` says of a study without having started anything."""
    folder = Path(shutil.copytree(good, desk.root / f"at-once-{number}"))
    path = case.write(folder, number)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in case.environment.items():
            patch.setenv(name, value)
        said = desk.run("check", path, "--store", desk.url)
    started = desk.store.folders("stages/")
    lines = said.err.replace(f"{folder}/", "").splitlines()
    return Told(code=said.code, by=(), lines=tuple(lines), started=tuple(started))


def _together(cases: Sequence[BadStudy], desk: Desk, good: Path, shown: Mapping[str, str]) -> dict[str, Told]:
    """Run whole studies in one engine, as `submit` would each, and say what each was told."""
    sessions: dict[str, Session] = {}
    for number, case in enumerate(cases):
        folder = Path(shutil.copytree(good, desk.root / f"study-{number}"))
        path = case.write(folder, number)
        sessions[case.name] = open_session(path, mix=None, profile="local", store=desk.url)
    stages: dict[str, PlannedStage] = {}  # trainings differ by their seeds, so each comes after its own check
    for session in sessions.values():
        keep_study(session)
        stages |= {planned.key: planned for planned in session.stages}
    with next(iter(sessions.values())).site.scheduler("bad", desk.store) as scheduler:
        run(list(stages.values()), desk.store, scheduler)
    return {name: _told(session, shown) for name, session in sessions.items()}


def _told(session: Session, shown: Mapping[str, str]) -> Told:
    by, lines, started = [], [], []
    for planned in session.plan:
        attempts = Attempts(session.store, planned.stage)
        if kind_of(planned.stage.kind).costly and attempts.numbers():
            started.append(planned.label)
        failure = attempts.blocked()
        if failure is not None:
            by.append(planned.stage.kind)
            found = failure.findings or (failure.reason,)
            lines += [_shown(f"{planned.label}: {line}", shown) for line in found]
    code = 1 if by else 0
    return Told(code=code, by=tuple(dict.fromkeys(by)), lines=tuple(lines), started=tuple(started))


def _shown(line: str, shown: Mapping[str, str]) -> str:
    """A line with addresses that stay the same."""
    for address, name in shown.items():
        line = line.replace(address, name)
    return line


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        found = provoke_all(Path(place))
    rows = [{"name": name, **asdict(told)} for name, told in found.items()]
    LINES.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
