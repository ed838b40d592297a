"""A third scheduler, added from the outside: a file of shell commands, one attempt a line, run one after the other."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyglot.schedulers import registry
from polyglot.schedulers.base import Attempt, Ended, Event, Outcome, Running, Scheduler
from polyglot.schedulers.registry import Backend
from polyglot.schedulers.site import Site
from polyglot.store.store import Store
from tests.kit.desk import Desk

ROOT = Path(__file__).resolve().parents[2]


class CommandFile(Scheduler):
    """Attempts become lines of `commands.sh`; each look runs the next line to its end."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.waiting = folder.absolute(), list[Attempt]()
        self.folder.mkdir(exist_ok=True)

    def submit(self, attempt: Attempt) -> None:
        place = self.folder / attempt.name
        place.with_suffix(".json").write_text(json.dumps(attempt.request()))
        command = [sys.executable, "-m", "jobs.worker", "--request", f"{place}.json", "--work", f"{place}.work"]
        command += ["--log", f"{place}.log", "--cache", str(self.folder / "cache")]
        with (self.folder / "commands.sh").open("a") as commands:
            commands.write(f"{shlex.join(command)} >> {place}.log 2>&1\n")
        self.waiting.append(attempt)

    def watch(self, timeout_seconds: float) -> Iterator[Event]:
        if not self.waiting:
            return
        attempt = self.waiting.pop(0)
        yield Running(attempt=attempt)
        lines = (self.folder / "commands.sh").read_text().splitlines()
        line = next(each for each in lines if f"/{attempt.name}.json" in each)
        code = subprocess.run(line, shell=True, check=False).returncode  # noqa: S602 - that is what it is
        yield Ended(attempt=attempt, outcome=Outcome.of_exit(code), text=f"exit code {code}")

    def logs(self, attempt: Attempt, *, follow: bool) -> Iterator[tuple[int, bytes]]:
        yield 0, (self.folder / f"{attempt.name}.log").read_bytes()

    def cancel(self, attempt: Attempt) -> None:
        self.waiting.remove(attempt)


class Commands(Site):
    """The folder `commands` of the working directory."""

    def scheduler(self, study: str, store: Store) -> CommandFile:
        return CommandFile(Path("commands"))


@pytest.mark.slow
@pytest.mark.timeout(900)  # every worker imports what it needs anew
def test_a_third_scheduler_runs_the_quickstart_to_its_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.BACKENDS, "commands", Backend(site=f"{__name__}:Commands"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    desk = Desk.at(tmp_path, monkeypatch)
    (tmp_path / "commands.yaml").write_text(f"store: {desk.url}\nbackend: commands\n")
    quickstart = (ROOT / "studies" / "quickstart.yaml").read_text()
    quickstart = quickstart.replace("steps: 450", "steps: 20")  # the base model, a minute
    (tmp_path / "quickstart.yaml").write_text(f"{quickstart}untuned: false\n")  # its answers, as long
    said = desk.run("submit", "quickstart.yaml", "--mix", "EN", "--profile", "commands.yaml")
    assert said.code == 0, said.err
    assert Path(said.out.splitlines()[0]).name == "report.html"
    commands = (tmp_path / "commands" / "commands.sh").read_text().splitlines()
    assert f"{len(commands)} computed, 0 cached" in said.err
