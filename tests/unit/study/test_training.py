"""Recipes of published studies fill in what is not said, and nothing else."""

from typing import Any

import pytest

from polyglot.kinds.train import Recipe, TrainParams
from polyglot.study.training import PRESETS, Training


def trained(**said: Any) -> Training:
    return Training.model_validate({name.replace("_", "-"): value for name, value in said.items()})


def test_a_preset_is_what_it_stands_for_written_out() -> None:
    lima = trained(
        epochs=15.0,
        batch_size=64,
        learning_rate=1e-5,
        final_learning_rate=1e-6,
        schedule="linear",
        weight_decay=0.1,
        betas=[0.9, 0.95],
        max_tokens=2048,
        over_long="truncate",
    )
    assert trained(preset="lima").model_dump(exclude={"preset"}) == lima.model_dump()


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_said_goes_before_a_preset(preset: str) -> None:
    said = trained(preset=preset, batch_size=8, learning_rate=1e-3)
    assert (said.batch_size, said.learning_rate) == (8, 1e-3)
    assert said.epochs == trained(preset=preset).epochs


@pytest.mark.parametrize("preset", PRESETS)
def test_steps_stand_in_for_the_epochs_of_a_preset(preset: str) -> None:
    said = trained(preset=preset, steps=5)
    assert (said.steps, said.epochs) == (5, None)


def test_a_model_has_the_same_key_with_a_preset_and_with_its_values() -> None:
    def document(training: Training) -> dict[str, Any]:
        return TrainParams(**training.model_dump(include=set(Recipe.model_fields))).document()

    plain = trained(epochs=3.0)  # the paper's values are the defaults
    assert document(trained(preset="paper")) == document(plain)
    new = {"final_learning_rate", "loss_normalization", "loss_micro_batch", "preset"}
    assert not new & document(plain).keys()  # models that were trained before they could be said are found again
