"""What is wrong with a file, said to a person: one line a problem with file, line, path, got, expected, remedy."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from polyglot.core.errors import BadInput
from polyglot.core.section import LABEL, LABEL_WORDS, Broken, Place, Problem
from polyglot.study.files import local_digest
from polyglot.study.keys import keys_at
from polyglot.study.yaml_file import YamlFile

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "`key: value` lines",
    "mapping_type": "`key: value` lines",
    "model_type": "`key: value` lines",
    "model_attributes_type": "`key: value` lines",
    "tuple_type": "a list",
    "list_type": "a list",
    "finite_number": "a finite number",
    "date_type": "a day such as 2024-07-26",
    "date_parsing": "a day such as 2024-07-26",
    "date_from_datetime_parsing": "a day such as 2024-07-26",
}
_PATTERNS = {
    r"^[0-9a-f]{40}$": ("a commit of 40 hex digits", "Branches and tags move: pin the commit that they are at"),
    r"^[0-9a-f]{64}$": ("a SHA-256 of 64 lower-case hex digits", "`sha256sum FILE` prints it"),
    LABEL: (LABEL_WORDS, ""),
    r"^[a-z0-9]([a-z0-9.-]{0,38}[a-z0-9])?$": ("at most 40 characters a-z 0-9 . -, a letter or digit at both ends", ""),
    r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$": ("owner/name of a hub repository", ""),
}


class BadFile(BadInput):
    """Everything that is wrong with one file: a line a problem."""

    def __init__(self, lines: Sequence[str]) -> None:
        Exception.__init__(self, "\n".join(lines))
        self.lines = tuple(lines)
        self.what, self.where, self.got, self.expected, self.remedy = lines[0], "", "", "", ""


def bad_file(file: YamlFile, problems: Iterable[Problem]) -> BadFile:
    """Turn problems into lines, in the order of the file."""
    lines = {_line(file, problem): file.line(problem.place) for problem in problems}
    return BadFile(sorted(lines, key=lambda line: lines[line]))


def invalid_file(file: YamlFile, error: ValidationError, model: type[BaseModel]) -> BadFile:
    """Turn what pydantic found into lines.

    Where all forms of a union failed, the first one speaks; a place is passed over when something inside it is wrong.
    """
    found: dict[Place, tuple[Problem, ...]] = {}
    for details in error.errors():
        place = tuple(_real(details["loc"], file.value))
        found.setdefault(place, tuple(_problems(model, place, details, Path(file.name).parent)))
    around = {place[:length] for place in found for length in range(len(place))}
    return bad_file(file, (problem for place, known in found.items() if place not in around for problem in known))


def invalid_part(
    file: YamlFile, error: ValidationError, model: type[BaseModel], value: object, at: Place
) -> Iterator[Problem]:
    """What pydantic found in a section that was made of several places of a file, as problems of the place `at`."""
    for details in error.errors():
        place = tuple(_real(details["loc"], value))
        for problem in _problems(model, place, details, Path(file.name).parent):
            yield replace(problem, place=(*at, *problem.place))


def _line(file: YamlFile, problem: Problem) -> str:
    text = BadInput(
        problem.what,
        where=file.where(problem.place),
        got=problem.got,
        expected=problem.expected,
        remedy=problem.remedy,
    )
    return " ".join(str(text).split())


def _real(location: Sequence[str | int], value: object) -> Iterator[str | int]:
    """Drop the parts of a location that pydantic adds for unions and validators and that no file has."""
    for number, part in enumerate(location):
        last = number == len(location) - 1
        if isinstance(value, Mapping) and isinstance(part, str):
            if part in value or (last and re.fullmatch(r"[a-z][a-z0-9-]*", part)):
                yield part
                value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            yield part
            value = value[part]


def _problems(model: type[BaseModel], place: Place, details: ErrorDetails, folder: Path) -> Iterator[Problem]:
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    cause = context.get("error")
    if isinstance(cause, Broken):
        for problem in cause.problems:
            yield Problem(
                what=problem.what,
                place=(*place, *problem.place),
                got=problem.got,
                expected=problem.expected,
                remedy=problem.remedy,
            )
    elif kind == "extra_forbidden":
        known = keys_at(model, place[:-1])
        near = _nearest(str(place[-1]), known)
        yield Problem(what="unknown key", place=place, expected="one of " + ", ".join(known), remedy=near)
    elif kind == "missing":
        digest = local_digest(folder, value.get("path")) if place[-1:] == ("sha256",) else ""
        remedy = f"Add `sha256: {digest}`, or have `polyglot pin` add it" if digest else "Add it"
        yield Problem(what="missing", place=place, remedy=remedy)
    elif kind == "too_short":
        yield Problem(what="empty", place=place, expected="at least one")
    else:
        expected, remedy = _expected(details)
        if kind == "string_type" and isinstance(value, int | float):
            remedy = "Quote it"
        yield Problem(what="bad value", place=place, got=_short(value), expected=expected, remedy=remedy)


def _expected(details: ErrorDetails) -> tuple[str, str]:
    """What was expected, and a remedy if there is one."""
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    if kind == "string_pattern_mismatch":
        return _PATTERNS[context["pattern"]]
    if kind == "literal_error":
        names = re.findall(r"'([^']*)'", context["expected"])
        return str(context["expected"]), _nearest(value, names) if isinstance(value, str) else ""
    return _EXPECTED.get(kind) or details["msg"].removeprefix("Input should be "), ""


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word.replace("_", "-").lower(), known, 1)
    return f"Did you mean {near[0]}?" if near else ""


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "`key: value` lines" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
