"""Which keys a place of a file takes, read off the typed sections: for "did you mean" and for the reference page."""

from collections.abc import Mapping, Sequence
from typing import Annotated, get_args, get_origin

from pydantic import BaseModel


def keys_at(model: type[BaseModel], place: Sequence[str | int]) -> list[str]:
    """The YAML keys that are taken at a place; empty where any key is, or none."""
    current: object = model
    for part in place:
        current = _step(current, part)
    section = section_in(current)
    return [] if section is None else [field.alias or name for name, field in section.model_fields.items()]


def section_in(annotation: object) -> type[BaseModel] | None:
    """The section inside an annotation such as Mapping[Name, Model] | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (section_in(argument) for argument in get_args(annotation))
    return next((section for section in found if section is not None), None)


def _step(annotation: object, part: str | int) -> object:
    """The annotation of what stands under one key or index."""
    if get_origin(annotation) is Annotated:
        return _step(get_args(annotation)[0], part)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        return next((field.annotation for name, field in fields.items() if part in (field.alias, name)), None)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return arguments[1]
    if isinstance(origin, type) and issubclass(origin, Sequence):  # one item may stand without its list
        return arguments[0] if isinstance(part, int) else _step(arguments[0], part)
    return next((found for argument in arguments if (found := _step(argument, part)) is not None), None)
