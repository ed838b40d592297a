"""Training by several ranks over gloo, sharded: the losses and the weights are those of one process, up to rounding."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import distributed
from transformers import AutoModelForCausalLM

from jobs.lib.model.loading import check_tied, load_model
from jobs.train import sharding
from polyglot.core.errors import Exit, Permanent
from tests.kit.model_jobs import config_of
from tests.kit.training import prepare

ROOT = Path(__file__).resolve().parents[3]
ARCHITECTURES = ("llama", "llama-tied", "mistral", "mixtral", "qwen3", "qwen3-moe", "gemma3", "bloom", "xglm")
STEPS = 6
FILES_OF_LORA = ("adapter/adapter_model.safetensors", "model/model.safetensors")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run_rounds(*rounds: dict[str, Any]) -> list[list[int]]:
    """Run rounds of ranks to their ends and return their exit codes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.kit.train_rank"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        input=json.dumps(rounds).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=900,
    )
    said = (line.partition(b"codes ") for line in done.stdout.splitlines())  # gloo prints there as well
    return [json.loads(codes) for _, found, codes in said if found]


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


@pytest.mark.parametrize("architecture", ["llama", "llama-tied"])
def test_recomputing_and_a_loss_in_parts_change_nothing(tmp_path: Path, architecture: str) -> None:
    """As a sharded layer is fetched again in the backward pass; the output layer is a unit of its own, or of all."""
    inputs = prepare(tmp_path, architecture)
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


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[list[int]]]]:
    """The rounds of every architecture, whose folders and exit codes these are; one process imports for all."""
    folders = {architecture: tmp_path_factory.mktemp(architecture) for architecture in ARCHITECTURES}
    rounds = []
    for architecture, folder in folders.items():
        inputs = prepare(folder, architecture)
        rounds += [
            round_of(folder / "alone", inputs, 1),
            round_of(folder / "two", inputs, 2),
            round_of(folder / "four", inputs, 4),
            round_of(folder / "moved", inputs, 2, stop_after=2),
            round_of(folder / "moved", inputs, other_than_two(architecture), stop_after=2),
            round_of(folder / "moved", inputs, 1),
        ]
    codes = run_rounds(*rounds)
    return {name: (folder, codes[6 * n : 6 * n + 6]) for n, (name, folder) in enumerate(folders.items())}


def other_than_two(architecture: str) -> int:
    """Ranks that a run goes on with; experts are not cut for three."""
    return 4 if architecture in ("mixtral", "qwen3-moe") else 3


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_any_number_of_ranks_is_one_run(runs: dict[str, tuple[Path, list[list[int]]]], architecture: str) -> None:
    """On one, two and four ranks; interrupted and gone on with on another number; read back by transformers."""
    folder, codes = runs[architecture]
    alone, two, four, moved = (folder / name for name in ("alone", "two", "four", "moved"))
    fine, left, other = int(Exit.FINE), int(Exit.INTERRUPTED_WORKER), other_than_two(architecture)
    assert codes == [[fine], [fine] * 2, [fine] * 4, [left] * 2, [left] * other, [fine]]
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


def test_tied_weights_that_differ_in_the_files_are_refused(tmp_path: Path) -> None:
    """One process does not tie them; ranks would lose the output layer's."""
    inputs = prepare(tmp_path, "llama-tied")
    file = inputs["base"] / "model" / "model.safetensors"
    tensors = load_file(file)
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].flip(0).contiguous()
    save_file(tensors, file, metadata={"format": "pt"})
    outline = load_model(file.parent, dtype=None, device=torch.device("meta"))
    with pytest.raises(Permanent, match="lm_head.weight and model.embed_tokens.weight differ in the files"):
        check_tied(file.parent, outline)
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, file, metadata={"format": "pt"})
    check_tied(file.parent, outline)


def test_in_bfloat16_what_flows_between_sharded_layers_is_float32_as_it_is_alone() -> None:
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        ids, found, streams = torch.arange(8)[None], [], []
        for sharded in (False, True):
            torch.manual_seed(0)
            model = AutoModelForCausalLM.from_config(config_of("llama", 64))
            if sharded:
                sharding._shard(model, 1, "cpu", half=True)
            model.model.layers[1].register_forward_pre_hook(lambda module, given: streams.append(given[0].dtype))
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                found.append(model(input_ids=ids).logits.float())
        assert streams == [torch.float32] * 2
        assert (found[0] - found[1]).abs().max() < 0.02 * found[0].std()
    finally:
        distributed.destroy_process_group()
