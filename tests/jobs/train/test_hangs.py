"""A rank that does not go on ends all of them within its time, and by its name; one that is slow ends nobody."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.training import prepare

ROOT = Path(__file__).resolve().parents[3]
HANGS = ("1 sleep 4", "0 loop 2", "1 slow 0")  # each a training by as many ranks as below
RANKS = (3, 2, 2)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Ended:
    """How the ranks of each training ended, and what all of them said."""

    codes: list[list[int]]
    said: str


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    folder = tmp_path_factory.mktemp("hangs")
    inputs = {role: str(path) for role, path in prepare(folder).items()}
    settings = {"hang_seconds": 8, "threads": 1}
    rounds = [
        {"inputs": inputs, "out": str(folder / how), "ranks": ranks, "hang": how, "settings": settings}
        for how, ranks in zip(HANGS, RANKS, strict=True)
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.kit.train_rank"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        input=json.dumps(rounds).encode(),
        capture_output=True,
        check=True,
        timeout=240,
    )
    found = (line.partition(b"codes ") for line in done.stdout.splitlines())  # gloo prints there as well
    return Ended([json.loads(codes) for _, mark, codes in found if mark], done.stderr.decode())


def test_all_ranks_end_with_an_error_and_none_for_one_that_is_slow(ended: Ended) -> None:
    """The slow one takes longer than the time after which it would hang, though never for one thing."""
    assert ended.codes == [[1, 1, 1], [1, 1], [0, 0]], ended.said
    assert ended.said.count("polyglot.core.errors.Hang: ") == 5


def test_one_that_sleeps_before_an_exchange_is_named_with_where_it_stands(ended: Ended) -> None:
    name = "Hang: rank 1 (pod 1, process 0) has not gone on from making a batch of step 4 for "
    assert ended.said.count(name) == 3
    assert ended.said.count("The threads of rank 1 stand at\nthread MainThread:\n") == 1
    assert "time.sleep(100_000)" in ended.said


def test_an_endless_loop_in_the_data_of_the_first_rank(ended: Ended) -> None:
    assert ended.said.count("Hang: rank 0 (pod 0, process 0) has not gone on from making a batch of step 2 for ") == 2
    assert 'while how == "loop"' in ended.said
