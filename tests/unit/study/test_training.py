"""Recipes of published studies fill in what is not said, and nothing else."""

from typing import Any

import pytest
from pydantic import ValidationError

from polyglot.core.section import Broken
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
    said = trained(preset=preset, steps=500)
    assert (said.steps, said.epochs) == (500, None)


def test_a_model_has_the_same_key_with_a_preset_and_with_its_values() -> None:
    def document(training: Training) -> dict[str, Any]:
        return TrainParams(**training.model_dump(include=set(Recipe.model_fields))).document()

    plain = trained(epochs=3.0)  # the paper's values are the defaults
    assert document(trained(preset="paper")) == document(plain)
    new = {"final_learning_rate", "loss_normalization", "loss_micro_batch", "preset", "method"}
    new |= {name for name in Recipe.model_fields if name.startswith("lora_")}
    assert not new & document(plain).keys()  # models that were trained before they could be said are found again


def problem(**said: Any) -> tuple[str, str, str]:
    """The place, what was got and the remedy of the one problem of a recipe."""
    with pytest.raises(ValidationError) as caught:
        trained(**said)
    (details,) = caught.value.errors()
    cause = details["ctx"]["error"]
    assert isinstance(cause, Broken)
    (found,) = cause.problems
    return str(found.place[0]), found.got, found.remedy


@pytest.mark.parametrize(
    ("said", "place", "got"),
    [
        ({"preset": "bactrian", "steps": 20}, "warmup-steps", "200, of preset bactrian"),
        ({"preset": "bactrian", "batch_size": 4}, "loss-micro-batch", "8, of preset bactrian"),
        ({"preset": "lima", "learning_rate": 1e-7}, "final-learning-rate", "1e-06, of preset lima"),
    ],
)
def test_what_does_not_go_with_a_presets_value_is_told_with_the_preset(
    said: dict[str, Any], place: str, got: str
) -> None:
    assert problem(**said) == (place, got, f"Say `{place}` yourself")


@pytest.mark.parametrize(
    ("said", "unsaid"),
    [
        ({"preset": "bactrian", "method": "full"}, ("lora_rank", "lora_alpha", "lora_dropout", "lora_modules")),
        ({"preset": "bactrian", "loss_normalization": "tokens"}, ("loss_micro_batch",)),
        ({"preset": "lima", "schedule": "constant"}, ("final_learning_rate",)),
    ],
)
def test_what_a_preset_says_only_of_what_is_not_wanted_is_left_out(
    said: dict[str, Any], unsaid: tuple[str, ...]
) -> None:
    assert not any(getattr(trained(**said), name) for name in unsaid)


class TestAdapters:
    def test_say_in_a_key_what_they_do_where_a_study_does_not(self) -> None:
        found = trained(steps=5, method="lora")
        assert (found.lora_rank, found.lora_alpha, found.lora_dropout, found.lora_modules) == (16, 32, 0.0, None)
        document = TrainParams(**found.model_dump(include=set(Recipe.model_fields))).document()
        told = {name: document[name] for name in document if name.startswith(("lora", "method"))}
        assert told == {"method": "lora", "lora_rank": 16, "lora_alpha": 32, "lora_dropout": 0.0}
        assert found.said() == {"steps": 5, "method": "lora"}

    @pytest.mark.parametrize("name", ["lora_rank", "lora_alpha", "lora_modules"])
    def test_are_none_in_full_fine_tuning(self, name: str) -> None:
        value = ["q_proj"] if name == "lora_modules" else 4
        assert problem(steps=5, **{name: value})[0] == name.replace("_", "-")


class TestChanged:
    def of(self, study: dict[str, Any], change: dict[str, Any]) -> Training:
        return Training.model_validate(trained(**study).changed(change))

    def test_by_single_fields(self) -> None:
        found = self.of({"epochs": 2.0, "batch_size": 8}, {"method": "lora", "learning-rate": 1e-3})
        assert (found.epochs, found.batch_size, found.learning_rate, found.lora_rank) == (2.0, 8, 1e-3, 16)
        assert trained(epochs=2.0, batch_size=8).differing(found) == {
            "learning-rate": 1e-3, "method": "lora", "lora-rank": 16, "lora-alpha": 32, "lora-dropout": 0.0
        }  # fmt: skip

    def test_steps_and_epochs_stand_in_for_each_other(self) -> None:
        assert self.of({"epochs": 2.0}, {"steps": 7}).epochs is None
        assert self.of({"steps": 7}, {"epochs": 2.0}).steps is None
        assert self.of({"preset": "lima"}, {"steps": 7}).epochs is None

    def test_a_preset_stands_behind_what_is_said_with_it_and_before_the_studys(self) -> None:
        found = self.of({"steps": 7, "batch_size": 8, "gradient_clip": 2.0}, {"preset": "bactrian", "lora-rank": 4})
        assert (found.epochs, found.steps, found.batch_size, found.lora_rank) == (4.0, None, 128, 4)
        assert found.gradient_clip == 2.0

    def test_another_preset_takes_the_place_of_the_studys(self) -> None:
        found = self.of({"preset": "bactrian", "gradient_clip": 2.0}, {"preset": "paper"})
        assert found == trained(preset="paper", gradient_clip=2.0)

    @pytest.mark.parametrize("study", [{"preset": "bactrian"}, {"steps": 7, "method": "lora", "lora_rank": 4}])
    def test_full_fine_tuning_leaves_the_studys_adapter_out(self, study: dict[str, Any]) -> None:
        found = self.of(study, {"method": "full"})
        assert (found.method, found.lora_rank, found.lora_modules) == ("full", None, None)
