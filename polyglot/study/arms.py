"""What a study's own contrasts are made of: mixes, and what is not tuned."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from polyglot.core.errors import BadInput
from polyglot.core.mix import Mix
from polyglot.core.section import Broken, Problem
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
