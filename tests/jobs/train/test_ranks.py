"""Training by several ranks over gloo, sharded: the losses and the weights are those of one process, up to rounding."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from polyglot.core.errors import Exit
from tests.kit.training import prepare

ROOT = Path(__file__).resolve().parents[3]
ARCHITECTURES = ("llama", "llama-tied", "mistral", "mixtral", "qwen3", "qwen3-moe", "gemma3", "bloom", "xglm")
STEPS = 6
FILES_OF_LORA = ("adapter/adapter_model.safetensors", "model/model.safetensors")

pytestmark = pytest.mark.slow


def run_rounds(*rounds: dict[str, Any]) -> list[list[int]]:
    """Run rounds of ranks to their ends and return their exit codes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.kit.train_rank"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        input=json.dumps(rounds).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"[")]


def round_of(out: Path, inputs: dict[str, Path], ranks: int, *, stop_after: int = 0, **params: Any) -> dict[str, Any]:
    """An attempt at a training of samples of unequal length, few a step, so that some ranks have fewer passes."""
    return {
        "inputs": {role: str(folder) for role, folder in inputs.items()},
        "out": str(out),
        "ranks": ranks,
        "stop_after": stop_after,
        "params": {"steps": STEPS, "batch_size": 5, **params},
        "settings": {"micro_batch_tokens": 60, "threads": 1},
    }


def test_recomputing_and_a_loss_in_parts_change_nothing(tmp_path: Path) -> None:
    """As a sharded layer is fetched again for them in the backward pass."""
    inputs = prepare(tmp_path, "llama-tied")
    plain, saving = (round_of(tmp_path / name, inputs, 2) for name in ("plain", "saving"))
    saving["settings"] |= {"recompute": True, "logits_at_once": 5}
    assert run_rounds(plain, saving) == [[Exit.FINE] * 2] * 2
    found, expected = (training(tmp_path / name) for name in ("saving", "plain"))
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert found["gradient_norm"] == pytest.approx(expected["gradient_norm"], rel=1e-5)


def training(out: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((out / "rank0" / "out" / "training.json").read_text())
    return value


def model(out: Path) -> Path:
    return out / "rank0" / "out" / "model"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_any_number_of_ranks_is_one_run(tmp_path: Path, architecture: str) -> None:
    """On one, two and four ranks; interrupted and gone on with on another number; read back by transformers."""
    inputs = prepare(tmp_path, architecture)
    alone, two, four, moved = (tmp_path / name for name in ("alone", "two", "four", "moved"))
    fine, left = int(Exit.FINE), int(Exit.INTERRUPTED_WORKER)
    other = 4 if architecture in ("mixtral", "qwen3-moe") else 3  # experts are not cut for three
    assert run_rounds(
        round_of(alone, inputs, 1),
        round_of(two, inputs, 2),
        round_of(four, inputs, 4),
        round_of(moved, inputs, 2, stop_after=2),
        round_of(moved, inputs, other, stop_after=2),
        round_of(moved, inputs, 1),
    ) == [[fine], [fine] * 2, [fine] * 4, [left] * 2, [left] * other, [fine]]
    expected = training(alone)
    for out in (two, four, moved):
        found = training(out)
        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-6)
        assert found["gradient_norm"] == pytest.approx(expected["gradient_norm"], rel=1e-5)
        assert found["samples_per_language"] == expected["samples_per_language"]
        assert sorted(path.name for path in model(out).iterdir()) == sorted(
            path.name for path in model(alone).iterdir()
        )
        assert (model(out) / "config.json").read_text() == (model(alone) / "config.json").read_text()
    assert sorted(path.name for path in (moved / "checkpoints").iterdir()) == ["00000002", "00000004"]
    ids = torch.arange(3, 15).reshape(2, 6)
    logits = []
    for out in (alone, two, four, moved):
        tensors = load_file(model(out) / "model.safetensors")
        assert tensors.keys() == load_file(model(alone) / "model.safetensors").keys()
        with torch.no_grad():
            logits.append(AutoModelForCausalLM.from_pretrained(model(out))(input_ids=ids).logits)
    # not the weights: a bias of keys has no gradient but rounding, of which AdamW makes whole steps
    assert all(torch.allclose(found, logits[0], atol=1e-4) for found in logits)


def test_resuming_on_as_many_ranks_is_the_uninterrupted_run_to_the_bit(tmp_path: Path) -> None:
    inputs = prepare(tmp_path)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    codes = run_rounds(
        round_of(whole, inputs, 2),
        round_of(parts, inputs, 2, stop_after=3),
        round_of(parts, inputs, 2),
    )
    assert codes == [[Exit.FINE] * 2, [Exit.INTERRUPTED_WORKER] * 2, [Exit.FINE] * 2]
    assert training(parts) == training(whole)
    assert (model(parts) / "model.safetensors").read_bytes() == (model(whole) / "model.safetensors").read_bytes()
    assert not list((parts / "rank1" / "out").iterdir())


@pytest.mark.parametrize(
    "changes", [{"packing": "step", "packed_tokens": 120}, {"loss_normalization": "micro-batches"}]
)
def test_layout_of_samples_changes_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    inputs = prepare(tmp_path)
    if "loss_normalization" in changes:
        changes = {**changes, "loss_micro_batch": 2}
    outs = {ranks: tmp_path / str(ranks) for ranks in (1, 2, 3, 4)}
    assert run_rounds(*(round_of(out, inputs, ranks, **changes) for ranks, out in outs.items())) == [
        [Exit.FINE] * ranks for ranks in outs
    ]
    for ranks in (2, 3, 4):
        assert training(outs[ranks])["loss"] == pytest.approx(training(outs[1])["loss"], rel=1e-6)


def test_any_number_of_ranks_trains_one_adapter(tmp_path: Path) -> None:
    """The adapter is whole on every rank, what it is beside is sharded; merged and by itself it is the same."""
    inputs = prepare(tmp_path)
    lora = {"method": "lora", "lora_rank": 4, "lora_alpha": 8, "learning_rate": 2e-2}
    alone, three, moved = (tmp_path / name for name in ("alone", "three", "moved"))
    fine, left = int(Exit.FINE), int(Exit.INTERRUPTED_WORKER)
    assert run_rounds(
        round_of(alone, inputs, 1, **lora),
        round_of(three, inputs, 3, **lora),
        round_of(moved, inputs, 2, stop_after=3, **lora),
        round_of(moved, inputs, 3, **lora),
    ) == [[fine], [fine] * 3, [left] * 2, [fine] * 3]
    expected = training(alone)
    assert expected["loss"][-1] < expected["loss"][0]
    reference = {name: load_file(model(alone).parent / name) for name in FILES_OF_LORA}
    for out in (three, moved):
        assert training(out)["loss"] == pytest.approx(expected["loss"], rel=1e-5)
        for name, tensors in reference.items():
            found = load_file(model(out).parent / name)
            assert found.keys() == tensors.keys()
            assert all(torch.allclose(found[each], tensors[each], atol=1e-3) for each in tensors)
