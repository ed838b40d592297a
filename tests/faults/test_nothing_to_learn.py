"""Fault 26: NaN losses, empty mixtures, all labels masked, text beyond the model: permanent, nothing is published."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file, save_file

from jobs.tokenize.job import SCHEMA
from jobs.train import job as train
from polyglot.core.errors import Permanent
from tests.kit.model_jobs import ModelContext, write_base, write_mix
from tests.kit.training import context_of, prepare


def refused(context: ModelContext, reason: str) -> None:
    with pytest.raises(Permanent, match=reason):
        train.run(context)
    assert not list(context.out.iterdir())


def mask(folder: Path, rows: Sequence[int] | None = None) -> None:
    """Clear the loss mask of some rows, or of all."""
    path = folder / "tokens.arrow"
    table = pa.ipc.open_file(path).read_all().to_pydict()
    for number in range(len(table["loss"])) if rows is None else rows:
        table["loss"][number] = [False] * len(table["loss"][number])
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        writer.write_table(pa.table(table, schema=SCHEMA))


def test_a_learning_rate_that_diverges(tmp_path: Path) -> None:
    context = context_of(tmp_path / "run", prepare(tmp_path), steps=30, learning_rate=1e30, gradient_clip=0.0)
    refused(context, r"step \d+: the (loss is|gradient's norm is) (nan|inf) at learning rate")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    inputs = prepare(tmp_path)
    path = inputs["base"] / "model" / "model.safetensors"
    weights = load_file(path)
    weights["model.norm.weight"][3] = value
    save_file(weights, path, metadata={"format": "pt"})
    refused(
        context_of(tmp_path / "run", inputs),
        r"step 1: the loss is nan .* one of these samples is bad: (DE r\d+, ){3}DE r\d+$",
    )


def test_a_diverged_step_is_never_saved(tmp_path: Path) -> None:
    context = context_of(
        tmp_path / "run", prepare(tmp_path), steps=30, learning_rate=1e30, gradient_clip=0.0, checkpoint_steps=1
    )
    refused(context, "step")
    for path in sorted((tmp_path / "run" / "checkpoints").glob("*/state.json")):
        losses = torch.tensor(json.loads(path.read_text())["loss"])
        assert losses.isfinite().all()


def test_a_last_step_that_ruins_the_weights(tmp_path: Path) -> None:
    context = context_of(tmp_path / "run", prepare(tmp_path), steps=1, learning_rate=1e39, gradient_clip=0.0)
    refused(context, "step 1: the weights are no numbers after it")


def test_an_empty_mixture(tmp_path: Path) -> None:
    inputs = prepare(tmp_path)
    write_mix(tmp_path / "mix", [])
    refused(context_of(tmp_path / "run", inputs), "the mixture is empty")


def test_all_labels_masked(tmp_path: Path) -> None:
    inputs = prepare(tmp_path)
    mask(inputs["tokens:DE"])
    refused(context_of(tmp_path / "run", inputs), "none of the 12 samples has a supervised token")


def test_a_step_without_labels(tmp_path: Path) -> None:
    inputs = prepare(tmp_path)
    mask(inputs["tokens:DE"], range(1, 12))
    context = context_of(tmp_path / "run", inputs, steps=12, batch_size=1)
    refused(context, r"step \d+: none of its samples has a supervised token: DE r\d+$")


def test_a_sample_without_labels_among_others_is_no_fault(tmp_path: Path) -> None:
    inputs = prepare(tmp_path)
    mask(inputs["tokens:DE"], [0, 1])
    context = context_of(tmp_path / "run", inputs, steps=2, batch_size=12)
    train.run(context)
    assert (context.out / "training.json").exists()


def test_samples_longer_than_the_models_positions(tmp_path: Path) -> None:
    inputs = prepare(tmp_path)
    write_base(tmp_path / "base", positions=20)
    refused(context_of(tmp_path / "run", inputs), r"12 samples are longer than the model's 20 positions")
