"""The base class of everything that is read from a study or profile file, and how its rules say what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from polyglot.core.languages import is_language

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, with its place relative to the section whose rule found it."""

    what: str
    place: Place = ()
    got: str = ""
    expected: str = ""
    remedy: str = ""


class Broken(ValueError):
    """Raised by a validator: the problems that its rules found. pydantic adds where the section stands."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.what for problem in problems))
        self.problems = problems


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class Section(BaseModel):
    """Frozen and closed; YAML keys are the attributes' names with hyphens; no NaN, no infinities, no coercion.

    The text below an attribute is its description in the JSON Schema and in docs/study-file.md (see `described`).
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        alias_generator=_kebab,
        defer_build=True,  # a command uses few of the sections
        populate_by_name=True,
    )


def tuple_of(value: object) -> object:
    """A list as the tuple that strict validation wants; anything else as it is."""
    return tuple(value) if isinstance(value, list) else value


def one_or_many(value: object) -> object:
    """A single text or mapping where a list is taken: a list of one."""
    return (value,) if isinstance(value, str | Mapping) else tuple_of(value)


def _check_language(code: str) -> str:
    if not is_language(code):
        near = code.upper()
        remedy = f"Write {near}" if is_language(near) else ""
        expected = "an upper-case ISO 639-1 code such as EN, DE or NO"
        raise Broken(Problem(what="no language", got=repr(code[:40]), expected=expected, remedy=remedy))
    return code


MAX_COUNT = 10**12  # far beyond any study, and exact in JSON

Language = Annotated[str, AfterValidator(_check_language), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})]
LABEL = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
LABEL_WORDS = "at most 40 characters a-z 0-9 -, a letter or digit at both ends"
Label = Annotated[str, Field(pattern=LABEL)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,38}[a-z0-9])?$")]
Revision = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
HubName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$", max_length=200)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
