"""A folder to sit in and the command line to use there, in this process; nothing is kept outside the folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from polyglot.cli.app import app
from polyglot.cli.session import Session, open_session
from polyglot.cli.submit import keep_study
from polyglot.core.errors import PolyglotError
from polyglot.core.stage import PlannedStage
from polyglot.store.locate import open_store
from polyglot.store.store import Store
from tests.kit.bad_inputs.studies import study_text
from tests.kit.stages import commit, write
from tests.kit.warm_pool import lent

_ONE_MIX = {
    "models": "{tiny: {built-in: {steps: 20}}}",
    "mixes": "[ENDE]",
    "training": "{steps: 4, max-tokens: 256, precision: float32}",
    "benchmark": "{built-in: verifiable}",
    "answers": "{max-new-tokens: 6, dtype: float32, temperatures: {}}",
    "judge": "{endpoint: built-in}",
}


@dataclass(frozen=True)
class Said:
    """What a command line ended with; `err` holds the error's line too."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Desk:
    """One folder with a store, a state directory and study files."""

    root: Path

    @classmethod
    def at(cls, root: Path, monkeypatch: pytest.MonkeyPatch) -> "Desk":
        """Sit down: the folder becomes the working directory. Fork servers are kept for who sits down next."""
        monkeypatch.chdir(root)
        monkeypatch.setattr("polyglot.schedulers.local.scheduler.WarmServer", lent)
        monkeypatch.setenv("POLYGLOT_STATE", str(root / "state"))
        keys = ("OPENAI_API_KEY", "DEEPL_AUTH_KEY")
        for name in ("POLYGLOT_STORE", "OPENAI_BASE_URL", "DEEPL_SERVER_URL", *keys, *(f"{key}_FILE" for key in keys)):
            monkeypatch.delenv(name, raising=False)
        return cls(root)

    @property
    def url(self) -> str:
        return f"file://{self.root}/store"

    @property
    def store(self) -> Store:
        return open_store(self.url)

    def study(self, name: str, **changes: str | None) -> Path:
        """Write a small study file."""
        path = self.root / f"{name}.yaml"
        path.write_text(study_text(**{"study": name, "seeds": "[0]", **changes}), encoding="utf-8")
        return path

    def one_mix(self, **changes: str | None) -> Path:
        """Write a study of a tiny model and one mix, with built-in questions and rules; `changes` of its keys."""
        return self.study("one", **{**_ONE_MIX, **changes})

    def session(self, study: Path, mix: str | None = None) -> Session:
        return open_session(study, mix=mix, profile="local", store=self.url)

    def submitted(self, study: Path) -> Session:
        """Put a study into the store as `submit` does, and run nothing."""
        session = self.session(study)
        keep_study(session)
        return session

    def commit(self, session: Session, label: str) -> PlannedStage:
        """Commit something for a stage of the plan and for all that it needs."""
        planned = session.plan.find(label)
        inputs: Mapping[str, str] = {}
        for role, key in planned.stage.inputs.items():
            source = self.commit(session, session.plan.by_key[key].label)
            inputs = {**inputs, role: self._result(source)}
        if not self._result(planned):
            out = write(self.root / "out" / planned.name, {"made.json": json.dumps(planned.label).encode()})
            commit(self.store, planned.stage, out, inputs=inputs)
        return planned

    def run(self, *arguments: str | Path) -> Said:
        """Say a command line."""
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        error = done.exception
        if isinstance(error, PolyglotError):
            return Said(int(error.exit_code), done.stdout, f"{done.stderr}{error}\n")
        if error is not None and not isinstance(error, SystemExit):
            raise error
        return Said(done.exit_code, done.stdout, done.stderr)

    def _result(self, planned: PlannedStage) -> str:
        from polyglot.store.committed import committed

        manifest = committed(self.store, planned.stage.kind, planned.key)
        return manifest.result if manifest else ""
