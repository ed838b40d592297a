"""Dolly: `instruction`, `context` (may be empty), `response`, `category`; rows have no id and are numbered by position.

Source: hub data set databricks/databricks-dolly-15k.
"""

from collections.abc import Mapping
from typing import Any

from jobs.ingest.adapters.fields import Draft, identifier, instruction, optional_text, text


def row(record: Mapping[str, Any]) -> Draft:
    """Return the draft of one Dolly record."""
    return Draft(
        id=identifier(record, "id"),
        turns=(instruction(record, "instruction", "context"), text(record, "response")),
        category=optional_text(record, "category"),
        input=bool(optional_text(record, "context").strip()),
    )
