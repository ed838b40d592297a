"""Values classes as a values file has them: camelCase keys, plain lists and mappings."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from polyglot.core.canonical import Json


def camel(name: str) -> str:
    """`image_pull_policy` -> `imagePullPolicy`, as charts write their values."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def to_values(value: object) -> Json:
    """A values class, and whatever is in it, as JSON. Raises TypeError for what a values file has no form for."""
    if is_dataclass(value):
        return {camel(field.name): to_values(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_values(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"no form for {type(value).__name__}")
