"""Sizes, durations and stage kinds as sections take them. Amounts are written as text and read as whole numbers."""

import difflib
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticKnownError

from polyglot.core.errors import BadInput
from polyglot.core.section import Broken, Problem
from polyglot.core.units import parse_bytes, parse_seconds
from polyglot.kinds.device import GPUS
from polyglot.kinds.registry import KINDS


def _number_of(parse: Callable[[str], int], *, least: int = 0) -> BeforeValidator:
    def read(text: object) -> int:
        if not isinstance(text, str):
            raise PydanticKnownError("string_type")
        try:
            amount = parse(text)
            if amount < least:
                raise BadInput("too little", got=repr(text), expected="more than nothing")
        except BadInput as error:
            problem = Problem(what=error.what, got=error.got, expected=error.expected)
            raise Broken(problem) from error
        return amount

    return BeforeValidator(read)


def _check_kind(kind: str) -> str:
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, 1)
        remedy = f"Did you mean {near[0]}?" if near else ""
        raise Broken(Problem(what="no such stage kind", expected="one of " + ", ".join(KINDS), remedy=remedy))
    return kind


def _check_gpu(name: str) -> str:
    if name not in GPUS:
        near = difflib.get_close_matches(name.lower(), GPUS, 1)
        remedy = f"Did you mean {near[0]}?" if near else ""
        raise Broken(Problem(what="no GPU of this name", expected="one of " + ", ".join(GPUS), remedy=remedy))
    return name


Bytes = Annotated[int, _number_of(parse_bytes, least=1)]
Duration = Annotated[int, _number_of(parse_seconds)]
Deadline = Annotated[int, _number_of(parse_seconds, least=1)]
Kind = Annotated[str, AfterValidator(_check_kind)]
GpuName = Annotated[str, AfterValidator(_check_gpu)]
