"""What was asked under an earlier key of a stage is not asked again: a real worker and store, a loopback endpoint."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from polyglot.attempts.retract import retract
from polyglot.core.stage import PlannedStage, Stage
from polyglot.kinds.ingest import IngestParams
from polyglot.kinds.reference import ReferenceParams
from polyglot.schedulers.base import Attempt
from polyglot.store.committed import committed
from polyglot.store.directory import DirectoryStore
from tests.kit import judge_server as js
from tests.kit.reference_stage import QUICK, questions
from tests.kit.stages import commit, planned, write


@pytest.mark.timeout(200)
def test_another_share_of_failures_pays_for_nothing_again_unless_a_result_was_withdrawn(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    asked = IngestParams(what="questions", languages=("EN",), source="built-in", format="normal", builtin="verifiable")
    source = planned("ingest", asked, {}, label="ingest").stage
    rows = "".join(json.dumps(row) + "\n" for row in questions("EN", 3))
    commit(store, source, write(tmp_path / "rows", {"questions/EN.jsonl": rows.encode()}))
    given = ReferenceParams(endpoint="openai", model="m", languages=("EN",), categories="all", prompt=1)
    now = Stage(kind="reference", version=1, params=given.document(), inputs={"questions": source.key})
    earlier = replace(now, params={**now.params, "max_failed_share": 0.5})
    with js.ScriptedJudge(lambda call: js.reply("An answer.")) as server:
        for stage, asked_in_all in ((earlier, 6), (now, 6)):
            work(tmp_path, store, stage, server.base_url)
            assert len(server.calls) == asked_in_all
        made = committed(store, "reference", now.key)
        assert made is not None
        assert made.volatile["resumed_calls"] == 6
        retract(store, "reference", now.key, reason="the answers are wrong", who="a test")
        work(tmp_path, store, now, server.base_url, number=2)
        assert len(server.calls) == 12


def work(folder: Path, store: DirectoryStore, stage: Stage, base_url: str, number: int = 1) -> None:
    settings = QUICK | {"base_url": base_url, "max_failed_share": 0.5}
    one = PlannedStage(stage=stage, label="reference benchmark", settings=settings)
    attempt = Attempt(planned=one, number=number, store_url=store.url, input_kinds={"questions": "ingest"})
    request = folder / "request.json"
    request.write_text(json.dumps(attempt.request()), encoding="utf-8")
    command = [sys.executable, "-m", "jobs.worker", "--request", str(request), "--work", str(folder / "work")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr
