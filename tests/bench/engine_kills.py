"""Kills an answer stage again and again: nothing is answered twice or lost, the bytes are the same.

    make vllm && python -m tests.bench.engine_kills [--engine vllm] [--kills 10] [--questions 100] [--model DIR]

Real workers on a directory store. One is left alone; another stage of the same questions is stopped (SIGTERM) and
killed (SIGKILL) in turn, at random moments after its first answers, and started again each time.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from polyglot.attempts.journal import all_records
from polyglot.core.stage import PlannedStage, Resources, Stage
from polyglot.kinds.answer import AnswerParams
from polyglot.schedulers.base import Attempt
from polyglot.store.committed import committed
from polyglot.store.locate import open_store
from tests.bench.answer_throughput import trained
from tests.bench.engines import ASKED, ROOT, conversations
from tests.kit.model_jobs import write_questions
from tests.kit.ranks import commit
from tests.kit.stages import planned


def stages(root: Path, model: Path, options: argparse.Namespace) -> tuple[str, PlannedStage, dict[str, str]]:
    """The store with its inputs, and the stage."""
    url = f"file://{root}/store"
    asked: dict[str, list[dict[str, Any]]] = {language: [] for language in ASKED}
    for number, (language, turns) in enumerate(conversations(options.questions)):
        asked[language].append({"id": str(number), "category": "math", "turns": turns})
    for language, rows in asked.items():
        write_questions(root / "questions", language, rows)
    inputs = {
        "model": commit(url, "train", model.parent, role="model"),
        "questions": commit(url, "ingest", root / "questions", role="questions"),
    }
    params = AnswerParams(
        languages=tuple(ASKED),
        systems=dict.fromkeys(ASKED, "Be brief."),
        temperatures={},
        max_new_tokens=options.new_tokens,
        dtype=options.dtype,
    )
    settings = {"threads": 1, "batch_size": options.batch, "engine": options.engine}
    made = planned("answer", params, inputs, label="answer", settings=settings, resources=Resources(grace_seconds=30))
    return url, made, {role: stage.kind for role, stage in inputs.items()}


class Runs:
    """Starts of the worker of one stage."""

    def __init__(self, root: Path, url: str, stage: PlannedStage, kinds: dict[str, str], python: str) -> None:
        self._root, self.url, self.stage, self._kinds, self._python = root, url, stage, kinds, python

    def start(self, number: int) -> "subprocess.Popen[bytes]":
        """A worker of an attempt."""
        attempt = Attempt(planned=self.stage, number=number, store_url=self.url, input_kinds=self._kinds)
        request = self._root / f"request-{self.stage.key[:8]}-{number}.json"
        request.write_text(json.dumps(attempt.request()), encoding="utf-8")
        command = [self._python, "-m", "jobs.worker", "--request", str(request), "--cache", str(self._root / "cache")]
        with (self._root / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)

    def kept(self) -> list[str]:
        """The ids of all journal records of all attempts, repeats included."""
        return [record["id"] for record in all_records(open_store(self.url), self.stage.stage)]


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", default="vllm")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--new-tokens", type=int, default=48)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--python", default=str(ROOT / ".polyglot/vllm/bin/python"))
    options = parser.parse_args()
    python = options.python if options.engine == "vllm" else sys.executable
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        url, stage, kinds = stages(root, options.model or trained(root), options)
        alone = Runs(root, url, replace(stage, stage=again(stage.stage)), kinds, python)
        began = time.monotonic()
        code = alone.start(1).wait()
        left = committed(open_store(url), "answer", alone.stage.key)
        print(f"left alone: code {code}, {len(alone.kept())} records, {time.monotonic() - began:.0f} s", flush=True)
        if left is None:
            sys.exit((root / "log").read_text()[-2000:])
        killed = Runs(root, url, stage, kinds, python)
        ends = kill_again_and_again(killed, options.kills, random.Random(7))
        print(f"ends: {dict(Counter(ends))}", flush=True)
        found = committed(open_store(url), "answer", stage.key)
        kept = Counter(killed.kept())
        print(f"records: {len(kept)} of {options.questions}; kept twice: {sum(n > 1 for n in kept.values())}")
        same = found is not None and found.files == left.files
        print(f"the files are those of the run that was left alone: {same}")


def again(stage: Stage) -> Stage:
    """The same questions to the same model, as another night."""
    return replace(stage, params={**stage.params, "night": "2026-01-01"})


def kill_again_and_again(runs: Runs, kills: int, chance: random.Random) -> list[int]:
    """Codes of all workers, the last of which was left alone."""
    ends = []
    for number in range(kills):
        process, before = runs.start(number + 1), len(runs.kept())
        while process.poll() is None and len(runs.kept()) == before:
            time.sleep(0.05)
        time.sleep(chance.random() * 0.5)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM if number % 2 else signal.SIGKILL)
        ends.append(process.wait())
        print(f"  kill {number + 1}: ended with {ends[-1]}, {len(runs.kept())} records", flush=True)
    ends.append(runs.start(kills + 1).wait())
    return ends


if __name__ == "__main__":
    main()
