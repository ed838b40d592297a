"""Sizes, durations and stage kinds as sections take them: checked when the file is read, kept as written."""

import difflib
from typing import Annotated, Any

from pydantic import AfterValidator

from polyglot.core.errors import BadInput
from polyglot.core.section import Broken, Problem
from polyglot.core.units import parse_bytes, parse_seconds
from polyglot.kinds.registry import KINDS


def _number_of(parse: Any, *, least: int = 0) -> AfterValidator:
    def check(text: str) -> str:
        try:
            if parse(text) < least:
                raise BadInput("too little", got=repr(text), expected="more than nothing")
        except BadInput as error:
            problem = Problem(what=error.what, got=error.got, expected=error.expected)
            raise Broken(problem) from error
        return text

    return AfterValidator(check)


def _check_kind(kind: str) -> str:
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, 1)
        remedy = f"Did you mean {near[0]}?" if near else ""
        raise Broken(Problem(what="no such stage kind", expected="one of " + ", ".join(KINDS), remedy=remedy))
    return kind


Bytes = Annotated[str, _number_of(parse_bytes, least=1)]
Duration = Annotated[str, _number_of(parse_seconds)]
Deadline = Annotated[str, _number_of(parse_seconds, least=1)]
Kind = Annotated[str, AfterValidator(_check_kind)]
