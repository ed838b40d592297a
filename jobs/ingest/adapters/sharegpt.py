"""ShareGPT: `conversations`, a list of {"from": "human" | "gpt" | "system", "value": text}, and mostly an `id`."""

from collections.abc import Mapping
from typing import Any

from jobs.ingest.adapters.fields import Draft, chat, identifier, sequence

_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}


def row(record: Mapping[str, Any]) -> Draft:
    """Return the draft of one ShareGPT record."""
    return Draft(
        id=identifier(record, "id"),
        turns=chat(sequence(record, "conversations"), "from", "value", _ROLES),
    )
