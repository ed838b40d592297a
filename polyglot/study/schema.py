"""The JSON Schema of study files, for editors: docs/study.schema.json.

python -m polyglot.study.schema prints it.
"""

import json
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaValue

from polyglot.study.described import descriptions
from polyglot.study.keys import section_in
from polyglot.study.study import Study

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def study_schema() -> JsonSchemaValue:
    """Return the schema, keys as they are written in YAML, each with its description."""
    schema = Study.model_json_schema(by_alias=True)
    sections = {section.__name__: section for section in sections_of(Study)}
    definitions = schema.pop("$defs")
    definitions["TunedModel"]["properties"]["training"] = {"$ref": "#/$defs/Training"}
    for name, part in [("Study", schema), *definitions.items()]:
        _describe(part, sections[name])
    needed = schema.pop("required")
    schema["required"] = ["study"]
    schema["anyOf"] = [{"required": needed}, {"required": ["quality"]}]  # the second is a DataStudy
    part = {key: value for key, value in schema.items() if key != "title"}
    return {"$schema": DIALECT, "title": "polyglot study file", **part, "$defs": definitions}


def sections_of(section: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A section and those inside it, each once, in the order in which they come up."""
    seen: dict[type[BaseModel], None] = {}
    waiting = [section]
    while waiting:
        current = waiting.pop(0)
        if current not in seen:
            seen[current] = None
            inner = [section_in(field.annotation) for field in current.model_fields.values()]
            waiting += [found for found in inner if found is not None]
    yield from seen


def _describe(part: JsonSchemaValue, section: type[BaseModel]) -> None:
    """Put descriptions in, and take the titles out that only repeat the keys."""
    texts = descriptions(section)
    part.pop("title", None)
    for name, field in section.model_fields.items():
        property_ = part["properties"][field.alias or name]
        property_.pop("title", None)
        for form in (property_, *property_.get("anyOf", ())):
            if "patternProperties" in form:  # pydantic leaves keys beside the pattern open
                form["additionalProperties"] = False
        if name in texts:
            property_["description"] = texts[name]
        if name == "sizes":
            property_["default"] = ["full"]


def main() -> None:
    """Print the schema."""
    print(json.dumps(study_schema(), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
