"""Training by two ranks over gloo: the step's loss and the weights are those of one process, up to rounding."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from jobs.train import job as train
from polyglot.core.errors import Exit
from tests.kit.training import context_of, prepare

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.slow


def run_ranks(root: Path, *stop_after: int, ranks: int = 2, **changes: Any) -> list[list[int]]:
    """Run rounds of ranks to their ends and return the exit codes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-m", "tests.kit.train_rank", str(root), str(port), str(ranks), *map(str, stop_after)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "POLYGLOT_TEST_CHANGES": json.dumps(changes)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=240,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"[")]


def weights(folder: Path) -> torch.Tensor:
    tensors = load_file(folder / "out" / "model" / "model.safetensors")
    return torch.cat([tensors[name].reshape(-1) for name in sorted(tensors)])


def test_two_ranks_are_one_run_and_stop_together(tmp_path: Path) -> None:
    inputs = prepare(tmp_path)
    alone = context_of(tmp_path / "alone", inputs, steps=6, batch_size=5)
    train.run(alone)
    expected = json.loads((alone.out / "training.json").read_text())

    # in the first round only rank 0 is asked to stop; the second goes on from where both have left
    assert run_ranks(tmp_path, 2, 0) == [[Exit.INTERRUPTED_WORKER] * 2, [Exit.FINE] * 2]
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["00000002"]
    assert not list((tmp_path / "rank1" / "out").iterdir())
    found = json.loads((tmp_path / "rank0" / "out" / "training.json").read_text())
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    assert found.pop("gradient_norm") == pytest.approx(expected.pop("gradient_norm"), rel=1e-4)
    assert {name: found[name] for name in found if "loss" not in name or "tokens" in name} == {
        name: expected[name] for name in expected if "loss" not in name or "tokens" in name
    }
    assert torch.allclose(weights(tmp_path / "rank0"), weights(tmp_path / "alone"), atol=2e-4)


def test_two_ranks_train_one_adapter(tmp_path: Path) -> None:
    inputs = prepare(tmp_path)
    lora = {"method": "lora", "lora_rank": 4, "lora_alpha": 8, "learning_rate": 2e-2}
    alone = context_of(tmp_path / "alone", inputs, steps=6, batch_size=5, **lora)
    train.run(alone)
    expected = json.loads((alone.out / "training.json").read_text())

    assert run_ranks(tmp_path, 2, 0, **lora) == [[Exit.INTERRUPTED_WORKER] * 2, [Exit.FINE] * 2]
    assert not list((tmp_path / "rank1" / "out").iterdir())
    found = json.loads((tmp_path / "rank0" / "out" / "training.json").read_text())
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    assert found["gradient_norm"] == pytest.approx(expected["gradient_norm"], rel=1e-3)
    assert found["trainable_parameters"] == expected["trainable_parameters"]
    assert torch.allclose(weights(tmp_path / "rank0"), weights(tmp_path / "alone"), atol=1e-3)
