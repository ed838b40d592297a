"""The tables of docs/study-file.md: every key of a study file and of a profile, with its form, default and meaning.

The prose around the tables is written by hand in the page itself; the tables stand between marks.
"""

import json
import types
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from polyglot.core.mix import Mix
from polyglot.core.section import Language, Name
from polyglot.kinds.base import BaseParams
from polyglot.study.arms import NotTuned
from polyglot.study.cluster import Cluster
from polyglot.study.described import descriptions
from polyglot.study.keys import section_in
from polyglot.study.schema import sections_of
from polyglot.study.sources import BuiltInModel
from polyglot.study.study import Size, Study

PAGE = Path(__file__).resolve().parents[1] / "docs" / "study-file.md"
MARKS: Mapping[type[BaseModel], tuple[str, str]] = {
    Study: ("<!-- keys: generated -->", "<!-- end of keys -->"),
    Cluster: ("<!-- cluster's keys: generated -->", "<!-- end of cluster's keys -->"),
}
_WORDS: Mapping[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "day",
    Mix: "mix",
    NotTuned: "what is not tuned",
}
_NAMED = {
    "keys of [training](#training)": Mapping[str, object],
    "language": Language,
    "name": Name,
    "`full` or whole number": Size,
}


def study_page() -> str:
    """Return the page with its tables made anew."""
    page = PAGE.read_text(encoding="utf-8")
    for root, (begin, end) in MARKS.items():
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n\n{_tables(root)}\n{end}{after}"
    return page


def _tables(root: type[BaseModel]) -> str:
    out = []
    for section in sections_of(root):
        title = _title(section)
        out += [f"### {title}", "", str(section.__doc__).strip().replace("\n    ", " "), ""]
        out += ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
        texts = descriptions(section)
        for name, field in section.model_fields.items():
            cells = (
                f"`{field.alias or name}`",
                "text"
                if field.annotation is int and isinstance(field.default, str)
                else _form(field.annotation),  # amounts are written so
                _default(section, name, field),
                texts.get(name, "").replace("\n", " "),
            )
            out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        out.append("")
    return "\n".join(out)


def _title(section: type[BaseModel]) -> str:
    """CamelCase as words: the section's name in the tables."""
    words = "".join(
        f" {letter.lower()}" if letter.isupper() else letter for letter in section.__name__.removesuffix("Section")
    )
    return words.strip().capitalize()


def _form(annotation: object) -> str:
    """What stands at a key, in words."""
    named = next((word for word, form in _NAMED.items() if annotation == form), None)
    if named is not None:
        return named
    if get_origin(annotation) is Annotated:
        return _form(get_args(annotation)[0])
    section = section_in(annotation)
    arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_form(argument) for argument in arguments))
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{argument}`" for argument in arguments)
    if get_origin(annotation) is tuple:
        return "list of " + _form(arguments[0])
    if arguments:
        return f"{_form(arguments[0])} → {_form(arguments[1])}"
    if section is not None:
        title = _title(section)
        return f"[{title.lower()}](#{title.lower().replace(' ', '-')})"
    return _WORDS[annotation]


def _default(section: type[BaseModel], name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if section is BuiltInModel and field.default is None:  # the base stage's own
        return f"`{BaseParams.model_fields[name].default}`"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined or value is None or value in ("", {}):
        return ""
    if isinstance(value, BaseModel):
        return "all defaults"
    if value == (None,):
        return "`[full]`"
    shown = f"`{json.dumps(list(value) if isinstance(value, tuple) else value)}`"
    return shown.replace('"', "")
