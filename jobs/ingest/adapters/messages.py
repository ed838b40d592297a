"""Chat messages: `messages`, a list of {"role": "user" | "assistant" | "system", "content": text}, often an `id`."""

from collections.abc import Mapping
from typing import Any

from jobs.ingest.adapters.fields import Draft, chat, identifier, sequence

_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}


def row(record: Mapping[str, Any]) -> Draft:
    """Return the draft of one record of chat messages."""
    return Draft(
        id=identifier(record, "id", "prompt_id"),
        turns=chat(sequence(record, "messages"), "role", "content", _ROLES),
    )
