"""Loss on rows held back: by language, in the mix or not, and without any effect on the training."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from jobs.lib.token_set import TokenSet
from jobs.tokenize import job as tokenize
from jobs.train import job as train
from jobs.train.mixture import Mixture
from polyglot.core.errors import Interrupted, Permanent
from polyglot.kinds.tokenize import TokenizeParams
from tests.kit.model_jobs import FolderCheckpoints, Stop, model_context, write_rows
from tests.kit.training import context_of, digests, prepare, record
from tests.kit.training_losses import reference_loss


def held_back(root: Path, base: Path, language: str, rows: list[tuple[str, str]]) -> Path:
    folder = write_rows(root / f"held-{language}", language, rows)
    (folder / "rows").rename(folder / "validation")
    params = TokenizeParams(language=language, part="validation", system="", max_tokens=200, over_long="drop")
    context = model_context(root / f"tokens-{language}", params, {"rows": folder, "base": base})
    tokenize.run(context)
    return context.out


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    found = prepare(tmp_path)
    base = found["base"]
    return {
        **found,
        "validation:DE": held_back(tmp_path, base, "DE", [(f"Nenne {n}!", f"Hier ist {n}.") for n in range(5)]),
        "validation:FR": held_back(
            tmp_path, base, "FR", [("Où est-ce ?", "Là-bas."), ("Ça va ?", "Bien, merci bien.")]
        ),
    }


def trained(root: Path, inputs: dict[str, Path], **changes: Any) -> dict[str, Any]:
    context = context_of(root, inputs, **changes)
    train.run(context)
    return record(context)


def test_is_the_mean_over_supervised_tokens_of_each_language(tmp_path: Path, inputs: dict[str, Path]) -> None:
    context = context_of(tmp_path / "run", inputs, steps=3)
    train.run(context)
    (last,) = record(context)["validation"]
    assert last["step"] == 3
    model = AutoModelForCausalLM.from_pretrained(context.out / "model", dtype=torch.float32).eval()
    for language, rows in (("DE", 5), ("FR", 2)):
        tokens = TokenSet(inputs[f"validation:{language}"] / "tokens.arrow")
        found = last["languages"][language]
        mixture = Mixture({language: tokens}, [(language, row) for row in range(rows)])
        with torch.no_grad():
            assert found["loss"] == pytest.approx(reference_loss(model, mixture, list(range(rows))), rel=1e-5)
        assert (found["tokens"], found["rows"]) == (int(tokens.supervised.sum()), rows)


def test_changes_nothing_of_the_training(tmp_path: Path, inputs: dict[str, Path]) -> None:
    without = {role: path for role, path in inputs.items() if not role.startswith("validation:")}
    plain = context_of(tmp_path / "plain", without)
    train.run(plain)
    assert "validation" not in record(plain)
    looked = context_of(tmp_path / "looked", inputs, validate_every=1)
    train.run(looked)
    assert digests(plain)["model/model.safetensors"] == digests(looked)["model/model.safetensors"]
    assert record(plain)["loss"] == record(looked)["loss"]


def test_is_made_every_so_many_steps_and_at_the_end(tmp_path: Path, inputs: dict[str, Path]) -> None:
    found = trained(tmp_path / "run", inputs, steps=7, validate_every=3)["validation"]
    assert [entry["step"] for entry in found] == [3, 6, 7]
    assert found[-1]["languages"]["DE"]["loss"] < found[0]["languages"]["DE"]["loss"]


def test_does_not_depend_on_how_the_training_is_packed(tmp_path: Path, inputs: dict[str, Path]) -> None:
    found = [
        trained(tmp_path / "run", inputs, steps=2, **packing)["validation"][0]["languages"]["FR"]
        for packing in ({}, {"packing": "step", "packed_tokens": 200})
    ]
    assert found[0]["loss"] == pytest.approx(found[1]["loss"], rel=1e-4)


@pytest.mark.parametrize("killed", [True, False])
def test_survives_an_interruption(tmp_path: Path, inputs: dict[str, Path], killed: bool) -> None:
    whole = context_of(tmp_path / "whole", inputs, validate_every=2, checkpoint_steps=1)
    train.run(whole)
    first = context_of(tmp_path / "halved", inputs, validate_every=2, checkpoint_steps=1)
    if killed:
        first.checkpoints = FolderCheckpoints(tmp_path / "halved" / "checkpoints", die_after=3)
    else:
        first.stop_after = 3
    with pytest.raises(Stop if killed else Interrupted):
        train.run(first)
    again = context_of(tmp_path / "halved", inputs, validate_every=2, checkpoint_steps=1)
    train.run(again)
    assert again.volatile["resumed_from_step"] == 3
    assert digests(again) == digests(whole)


def test_of_rows_that_the_model_cannot_see_whole_is_refused(tmp_path: Path, inputs: dict[str, Path]) -> None:
    path = inputs["base"] / "model" / "config.json"
    longest = int(TokenSet(inputs["tokens:DE"] / "tokens.arrow").lengths.max())
    inputs["validation:IT"] = held_back(tmp_path, inputs["base"], "IT", [("Che cosa?", "Questo. " * 20)])
    path.write_text(json.dumps({**json.loads(path.read_text()), "max_position_embeddings": longest}))
    with pytest.raises(Permanent, match=f"^validation:IT: 1 samples are longer than the model's {longest} positions"):
        train.run(context_of(tmp_path / "run", inputs))
