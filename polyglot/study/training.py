"""How a study trains: the recipe, how long samples may be, and recipes of published studies to begin from.

A preset fills in what a study does not say itself; docs/recipe.md has each value's source, and what of a recipe cannot
be followed.
"""

import operator
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from polyglot.core.section import Broken, Problem
from polyglot.kinds.train import Recipe

Preset = Literal["paper", "lima"]
PRESETS: Mapping[Preset, Mapping[str, Any]] = {
    # arXiv 2402.13703
    "paper": {"epochs": 3.0, "batch-size": 64, "learning-rate": 1e-5, "weight-decay": 0.1},
    # arXiv 2305.11206, section 3, of its smaller models
    "lima": {
        "epochs": 15.0,
        "batch-size": 64,
        "learning-rate": 1e-5,
        "final-learning-rate": 1e-6,
        "schedule": "linear",
        "weight-decay": 0.1,
        "betas": (0.9, 0.95),
        "max-tokens": 2048,
        "over-long": "truncate",
    },
}


class Training(Recipe):
    """Full fine-tuning. Exactly one of steps and epochs: mixes with 1x and 5x rows differ in both."""

    preset: Annotated[Preset | None, Field(exclude_if=operator.not_)] = None
    """A published recipe (docs/recipe.md), for whatever is not said here."""
    max_tokens: int = Field(2048, ge=16, le=2**24)
    """Of a training sample, prompt included."""
    over_long: Literal["drop", "truncate"] = "drop"
    """What becomes of longer samples; they are counted."""

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, said: Any) -> Any:
        if not isinstance(said, Mapping) or said.get("preset") not in PRESETS:
            return said
        given = {str(name).replace("_", "-"): value for name, value in said.items()}
        preset = dict(PRESETS[given["preset"]])
        if "steps" in given:
            del preset["epochs"]
        return {**preset, **given}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            got = "neither" if self.steps is None else "both"
            raise Broken(Problem(what="no single length", got=got, expected="exactly one of steps and epochs"))
        if self.steps is not None and self.warmup_steps > self.steps:
            what = "longer than the training"
            got, expected = str(self.warmup_steps), f"at most {self.steps} steps"
            raise Broken(Problem(what=what, place=("warmup-steps",), got=got, expected=expected))
        if problems := [*self._final_rate(), *self._loss()]:
            raise Broken(*problems)
        return self

    def _final_rate(self) -> list[Problem]:
        place, got = ("final-learning-rate",), f"{self.final_learning_rate:g}"
        if self.final_learning_rate and self.schedule == "constant":
            remedy = "Leave it out, or choose another schedule"
            return [Problem(what="a constant learning rate does not fall", place=place, got=got, remedy=remedy)]
        if self.final_learning_rate > self.learning_rate:
            expected = f"at most the learning rate, {self.learning_rate:g}"
            return [Problem(what="above what it falls from", place=place, got=got, expected=expected)]
        return []

    def _loss(self) -> list[Problem]:
        place, size = ("loss-micro-batch",), self.loss_micro_batch
        if self.loss_normalization == "tokens" and size is not None:
            what, remedy = "there are no groups", "Add `loss-normalization: micro-batches`, or leave it out"
            return [Problem(what=what, place=place, got=str(size), remedy=remedy)]
        if self.loss_normalization == "micro-batches" and size is None:
            expected = "`loss-micro-batch`, the samples that a GPU of the training to be followed takes at once"
            return [Problem(what="no size of a group", place=("loss-normalization",), expected=expected)]
        if size is not None and size > self.batch_size:
            expected = f"at most the batch size, {self.batch_size}"
            return [Problem(what="more than a step has", place=place, got=str(size), expected=expected)]
        return []
