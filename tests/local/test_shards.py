"""Answers in shards: several workers, one result, the bytes of one run."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from polyglot.attempts.garbage import collect
from polyglot.kinds.answer import AnswerParams
from polyglot.store.locate import open_store
from tests.kit.container import Container
from tests.kit.model_jobs import write_base, write_questions
from tests.kit.ranks import commit
from tests.kit.stages import planned
from tests.kit.world import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

QUESTIONS = [
    {"id": str(81 + number), "category": "math", "turns": [f"Nenne {number}!" * (1 + number % 3), "Und?"]}
    for number in range(10)
]


def answering(root: Path) -> Container:
    """20 questions in groups of three; the random model's answers are long, so the last bits of a logit matter."""
    url = f"file://{root}/store"
    folder = root / "inputs"
    for language in ("DE", "EN"):
        write_questions(folder / "questions", language, QUESTIONS)
    model = write_base(folder / "model")
    inputs = {
        "model": commit(url, "train", model, role="model"),
        "questions": commit(url, "ingest", folder / "questions", role="questions"),
    }
    params = AnswerParams(
        languages=("DE", "EN"),
        systems={"DE": "Sei kurz.", "EN": "Be brief."},
        temperatures={},
        default_temperature=1.0,
        max_new_tokens=24,
        dtype="float32",
    )
    made = planned("answer", params, inputs, label="answer tiny", settings={"threads": 1, "batch_size": 3})
    kinds = {role: stage.kind for role, stage in inputs.items()}
    return Container(root / "container", made, url, input_kinds=kinds, environment={"POLYGLOT_JOBS_PACKAGE": "jobs"})


@contextmanager
def started(
    one: Container, count: int, only: tuple[int, ...] = (), **more: str
) -> Iterator[list[tuple[Container, "subprocess.Popen[bytes]"]]]:
    with ExitStack() as stack:
        found = []
        for index in only or range(count):
            mine = replace(one, root=one.root.with_name(f"shard{index}"))
            which = {"POLYGLOT_RANKS": str(count), "POLYGLOT_RANK": str(index)}
            found.append((mine, stack.enter_context(mine.started(**which, **more))))
        yield found


def ends(shards: list[tuple[Container, "subprocess.Popen[bytes]"]]) -> list[int]:
    until(lambda: all(process.poll() is not None for _, process in shards), 200)
    return [process.returncode for _, process in shards]


def parts(one: Container) -> list[str]:
    folder = Path(one.store_url.removeprefix("file://")) / one.planned.stage.path / "parts"
    return sorted(path.name.rpartition("-")[0] for path in folder.iterdir()) if folder.exists() else []


def test_two_shards_end_with_the_bytes_of_one_run(tmp_path: Path) -> None:
    alone = answering(tmp_path)
    assert alone.run()[0] == 0
    assert alone.manifest is not None
    one = answering(tmp_path / "sharded")
    with started(one, 2) as shards:
        assert ends(shards) == [0, 0]
    assert one.manifest is not None
    assert one.manifest.result == alone.manifest.result
    assert one.manifest.volatile["shards"] == 2
    assert parts(one) == ["0-of-2", "1-of-2"]


def test_a_shard_is_killed_the_other_keeps_its_part_and_a_restart_merges(tmp_path: Path) -> None:
    one, hold = answering(tmp_path), tmp_path / "hold"
    with started(one, 2, only=(1,), POLYGLOT_HOLD=f"answer:inputs:{hold}") as (last,):
        until(lambda: Path(f"{hold}.reached").exists(), 60)
        with started(one, 2, only=(0,)) as first:
            assert ends(first) == [0]  # its part is stored; a manifest is the last one's to put
        os.kill(last[0].worker(last[1]), signal.SIGKILL)
        assert ends([last]) == [137]
    assert one.manifest is None
    assert parts(one) == ["0-of-2"]
    assert collect(open_store(one.store_url), grace_days=0, dry_run=True).deleted_blobs == 0  # parts are live
    with started(one, 2) as shards:
        assert ends(shards) == [0, 0]
    assert one.manifest is not None
