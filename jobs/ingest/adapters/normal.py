"""The normal form itself, as an earlier stage wrote it: whatever it says of its origin stays."""

from collections.abc import Mapping
from typing import Any

from jobs.ingest.adapters.fields import Draft
from jobs.lib.rows.content import texts_of


def form(record: Mapping[str, Any]) -> Draft:
    """Return the draft of a row, a question or a reference answer."""
    return Draft(
        id=record["id"],
        turns=tuple(texts_of(record)),
        category=record.get("category", ""),
        origin=record.get("origin"),
        licence=record.get("licence"),
    )
