"""Alpaca: `instruction`, `input` (may be empty or absent), `output`; rows have no id and are numbered by position.

Source: hub data set tatsu-lab/alpaca. Its `text` field repeats the row inside one English prompt and is not read.
"""

from collections.abc import Mapping
from typing import Any

from jobs.ingest.adapters.fields import Draft, identifier, instruction, optional_text, text


def row(record: Mapping[str, Any]) -> Draft:
    """Return the draft of one Alpaca record."""
    turns = (instruction(record, "instruction", "input"), text(record, "output"))
    return Draft(id=identifier(record, "id"), turns=turns, input=bool(optional_text(record, "input").strip()))
