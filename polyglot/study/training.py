"""How a study trains: the recipe, how long samples may be, and recipes of published studies to begin from.

A preset fills in what a study does not say itself; docs/recipe.md has each value's source, and what of a recipe cannot
be followed. A model of the study may have its own recipe: that of the study with some fields changed.
"""

import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from polyglot.core.section import Broken, Problem
from polyglot.kinds.train import Recipe

Preset = Literal["paper", "lima", "bactrian"]
PRESETS: Mapping[Preset, Mapping[str, object]] = {
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
    # github.com/mbzuai-nlp/bactrian-x: scripts/finetune_*.sh, finetune.py, and the defaults of transformers' trainer
    "bactrian": {
        "method": "lora",
        "lora-rank": 64,
        "lora-alpha": 16,
        "lora-dropout": 0.05,
        "lora-modules": ("q_proj", "v_proj", "query_key_value"),
        "epochs": 4.0,
        "batch-size": 128,
        "loss-normalization": "micro-batches",
        "loss-micro-batch": 8,
        "learning-rate": 3e-4,
        "schedule": "linear",
        "warmup-steps": 200,
        "weight-decay": 0.0,
        "betas": (0.9, 0.999),
        "max-tokens": 768,
        "over-long": "truncate",
    },
}
_LORA: Mapping[str, object] = {"lora-rank": 16, "lora-alpha": 32, "lora-dropout": 0.0}
_LORA_FIELDS = (*_LORA, "lora-modules")


class Training(Recipe):
    """How a model is fine-tuned. Exactly one of steps and epochs: mixes with 1x and 5x rows differ in both."""

    preset: Annotated[Preset | None, Field(exclude_if=operator.not_)] = None
    """A published recipe (docs/recipe.md), for whatever is not said here."""
    max_tokens: int = Field(2048, ge=16, le=2**24)
    """Of a training sample, prompt included."""
    over_long: Literal["drop", "truncate"] = "drop"
    """What becomes of longer samples; they are counted."""

    @model_validator(mode="wrap")
    @classmethod
    def _filled_in(cls, said: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Fill in what is not said, and remember what was (`model_fields_set`)."""
        if not isinstance(said, Mapping):
            return handler(said)
        given = {str(name).replace("_", "-"): value for name, value in said.items()}
        preset = _values(given.get("preset"))
        filled = given if preset is None else _over(preset, given)
        if filled.get("method") == "lora":
            filled = {**_LORA, **filled}
        if filled is given:
            return handler(said)
        made = handler(filled)
        made.model_fields_set.intersection_update(name.replace("-", "_") for name in given)
        return made

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            got = "neither" if self.steps is None else "both"
            raise Broken(Problem(what="no single length", got=got, expected="exactly one of steps and epochs"))
        if problems := [*self._warm_up(), *self._final_rate(), *self._loss(), *self._adapter()]:
            raise Broken(*map(self._with_preset, problems))
        return self

    def said(self) -> dict[str, object]:
        """What was written, by the keys of a study file: nothing of a preset."""
        return {name.replace("_", "-"): getattr(self, name) for name in self.model_fields_set}

    def changed(self, change: Mapping[str, object]) -> dict[str, object]:
        """The recipe with other keys in place of its own, as a mapping that is still to be checked.

        A preset among the keys stands behind them and before what the recipe says; its own preset is then left out.
        """
        own = self.said()
        if (preset := _values(change.get("preset"))) is not None:
            own.pop("preset", None)
            change = _over(preset, change)
        return _over(own, change)

    def differing(self, other: "Training") -> dict[str, object]:
        """The keys whose values another recipe has otherwise, with its values."""
        fields = [name for name in type(self).model_fields if name != "preset"]
        pairs = {name.replace("_", "-"): (getattr(self, name), getattr(other, name)) for name in fields}
        return {key: theirs for key, (mine, theirs) in pairs.items() if mine != theirs}

    def _with_preset(self, problem: Problem) -> Problem:
        """A value that nobody wrote is told with the preset that it is of."""
        key = str(problem.place[0]) if problem.place else ""
        values = _values(self.preset) or {}
        if key not in values or values[key] != getattr(self, key.replace("-", "_")):
            return problem
        got = f"{problem.got}, of preset {self.preset}".removeprefix(", ")
        return replace(problem, got=got, remedy=problem.remedy or f"Say `{key}` yourself")

    def _warm_up(self) -> list[Problem]:
        if self.steps is None or self.warmup_steps <= self.steps:
            return []
        got, expected = str(self.warmup_steps), f"at most {self.steps} steps"
        return [Problem(what="longer than the training", place=("warmup-steps",), got=got, expected=expected)]

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

    def _adapter(self) -> list[Problem]:
        given = {key: getattr(self, key.replace("-", "_")) for key in _LORA_FIELDS}
        if self.method == "full":
            what, remedy = "full fine-tuning has no adapter", "Add `method: lora`, or leave it out"
            told = {key: _shown(value) for key, value in given.items() if value is not None}
            return [Problem(what=what, place=(key,), got=got, remedy=remedy) for key, got in told.items()]
        lacking = [key for key in _LORA if given[key] is None]
        return [Problem(what="no value", place=(key,), expected="a number", remedy="Leave it out") for key in lacking]


def _values(preset: object) -> Mapping[str, object] | None:
    return next((values for name, values in PRESETS.items() if name == preset), None)


def _over(first: Mapping[str, object], then: Mapping[str, object]) -> dict[str, object]:
    """The keys of both, of the first only those that mean something beside the second's."""
    said = {key for key, value in then.items() if value is not None}
    idle = {key for key, other in (("epochs", "steps"), ("steps", "epochs")) if other in said}
    if then.get("method") == "full":
        idle.update(_LORA_FIELDS)
    if then.get("loss-normalization") == "tokens":
        idle.add("loss-micro-batch")
    if then.get("schedule") == "constant":
        idle.add("final-learning-rate")
    return {**{key: value for key, value in first.items() if key not in idle}, **then}


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
