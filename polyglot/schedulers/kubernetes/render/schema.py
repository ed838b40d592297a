"""The JSON Schema of a chart's values, read off its typed class: what `values.schema.json` beside a chart is made of.

Draft 7, which is what Helm 3 reads. Every mapping of a class is closed (additionalProperties false); a description is
the text below its attribute. A field without a default is required of whoever calls the chart from code; a chart
that people install has defaults for all.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

from pydantic.json_schema import JsonSchemaValue

from polyglot.schedulers.kubernetes.render.to_values import camel
from polyglot.study.described import descriptions

DIALECT = "http://json-schema.org/draft-07/schema#"
_PLAIN = {str: "string", int: "integer", bool: "boolean", float: "number"}


def values_schema(values: type, *, title: str) -> JsonSchemaValue:
    """Return the schema of a values class. Helm adds `global` to the values of every chart, so that is taken too."""
    schema = _object(values)
    schema["properties"]["global"] = {"type": "object", "description": "Helm's own; unused."}
    return {"$schema": DIALECT, "title": title, **schema}


def _object(values: type) -> JsonSchemaValue:
    hints, texts = get_type_hints(values, include_extras=True), descriptions(values)
    properties, required = {}, []
    for field in fields(values):
        described = {"description": texts[field.name]} if field.name in texts else {}
        properties[camel(field.name)] = {**_form(hints[field.name]), **described}
        if field.default is MISSING and field.default_factory is MISSING:
            required.append(camel(field.name))
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": required} if required else {}),
    }


def _form(annotation: object) -> JsonSchemaValue:
    """The schema of one annotation. Raises TypeError for one that a values file has no form for."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and annotation in _PLAIN:
        return {"type": _PLAIN[annotation]}
    if is_dataclass(annotation) and isinstance(annotation, type):
        return _object(annotation)
    if origin is Annotated:  # with pairs of a keyword of JSON Schema and its value
        return {**_form(arguments[0]), **dict(arguments[1:])}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_form(argument) for argument in arguments]}
    if origin is tuple:
        return {"type": "array", "items": _form(arguments[0])}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _form(arguments[1])}
    raise TypeError(f"no form for {annotation}")
