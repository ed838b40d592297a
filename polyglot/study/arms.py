"""What a study's own contrasts are made of: mixes, and what is not tuned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BeforeValidator, Discriminator, Tag, WithJsonSchema, model_validator

from polyglot.core.errors import BadInput
from polyglot.core.mix import Mix
from polyglot.core.section import Broken, Name, Problem, Section
from polyglot.kinds.cells import BASELINE, UNTUNED, ArmKey


@dataclass(frozen=True, slots=True)
class NotTuned:
    """The base model as it came, or a baseline of the study."""

    baseline: str = ""  # its name; "" is the untuned base model

    def key(self, model: str) -> ArmKey:
        """The arm that it is beside the mixes of a model."""
        return ArmKey.baseline(self.baseline) if self.baseline else ArmKey.untuned(model)

    @property
    def canonical(self) -> str:
        """As a study file has it."""
        return BASELINE + self.baseline if self.baseline else UNTUNED

    def __str__(self) -> str:
        return self.canonical


ArmRequest = Mix | NotTuned


def parse_mix(value: object) -> object:
    """A mix by its name. Raises Broken."""
    if isinstance(value, Mix):
        return value
    if not isinstance(value, str):
        raise Broken(Problem(what="not a mix", got=f"{value!r}"[:60], expected="a name such as DEFRITES-sampled@1000"))
    try:
        return Mix.parse(value)
    except BadInput as error:
        problem = Problem(what=error.what, got=error.got, expected=error.expected, remedy=error.remedy)
        raise Broken(problem) from error


def _parse_arm(value: object) -> object:
    if isinstance(value, NotTuned) or not isinstance(value, str):
        return value if isinstance(value, NotTuned) else parse_mix(value)
    if value.startswith(BASELINE):
        name = value.removeprefix(BASELINE).strip()
        if not name:
            raise Broken(Problem(what="no baseline's name", got=repr(value), expected=f"{BASELINE}NAME"))
        return NotTuned(name)
    return NotTuned() if value == UNTUNED else parse_mix(value)


_SHARE = "[A-Za-z]{2}:[0-9.eE-]+"
_FORM = "(-sampled|-[tT][0-9]{1,3}([.][0-9]{1,3})?)?"
_MIX = rf"(([A-Za-z]{{2}})+{_FORM}|{_SHARE}(, *{_SHARE})*)(@[1-9][0-9]*)?"
_EXAMPLES = ["EN", "DEFRITES", "ENDEFRITES-sampled@1000", "EN:0.5,DE:0.25,FR:0.25", "ENDEFRITES-t2.5"]
_MIX_SCHEMA = {"type": "string", "pattern": f"^{_MIX}$", "examples": _EXAMPLES}
ARM_SCHEMA = {
    "type": "string",
    "pattern": f"^({_MIX}|{UNTUNED}|{BASELINE}.+)$",
    "examples": [*_EXAMPLES, UNTUNED, f"{BASELINE}gpt-4"],
}
MixField = Annotated[Mix, BeforeValidator(parse_mix), WithJsonSchema(_MIX_SCHEMA)]
ArmField = Annotated[ArmRequest, BeforeValidator(_parse_arm), WithJsonSchema(ARM_SCHEMA)]


class OtherArm(Section):
    """An arm whose model or data set is named; one that is not named is each of the study's in turn."""

    arm: ArmField
    """A mix of the study, with @SIZE where the study has sizes; `untuned`, or `baseline:NAME`."""
    model: Name | None = None
    """One of the study's `models`."""
    dataset: Name | None = None
    """One of the study's `datasets`; of a mix alone."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.arm, NotTuned):
            places = ("model", "dataset") if self.arm.baseline else ("dataset",)
            strange = [name for name in places if getattr(self, name) is not None]
            if strange:
                what = f"means nothing for {self.arm}"
                raise Broken(*(Problem(what=what, place=(name,), remedy="Remove it") for name in strange))
        return self

    def __str__(self) -> str:
        return " of ".join(part for part in (str(self.arm), self.model) if part) + (
            f" on {self.dataset}" if self.dataset else ""
        )


def _form(value: object) -> str:
    """Which form an arm has in a file; what is wrong with it is said of that form alone."""
    return "Other" if isinstance(value, Mapping | OtherArm) else "Named"


ComparedArm = Annotated[Annotated[ArmField, Tag("Named")] | Annotated[OtherArm, Tag("Other")], Discriminator(_form)]


def bare(arm: ArmRequest | OtherArm) -> ArmRequest:
    """The arm itself, whatever its model and data set."""
    return arm.arm if isinstance(arm, OtherArm) else arm


def key_of(arm: ArmRequest | OtherArm, model: str, dataset: str) -> ArmKey:
    """The arm that is meant beside the mixes of a model and data set."""
    if isinstance(arm, OtherArm):
        return key_of(arm.arm, arm.model or model, arm.dataset or dataset)
    return arm.key(model) if isinstance(arm, NotTuned) else ArmKey(model, dataset, arm.canonical)
