"""Bactrian-X: `instruction`, `input` (may be empty), `id` (shared by the languages), `output`, all texts.

Our own built-in set has this schema too, with the optional `followups`: [{"instruction", "output"}, …] for later turns.
Source: hub data set MBZUAI/Bactrian-X.
"""

from collections.abc import Mapping
from typing import Any

from jobs.ingest.adapters.fields import Draft, identifier, instruction, optional_text, sequence, text
from jobs.lib.rows.forms import Reject


def row(record: Mapping[str, Any]) -> Draft:
    """Return the draft of one Bactrian-X record. The id is required here: it is what makes the set parallel."""
    name = identifier(record, "id")
    if name is None:
        raise Reject("missing-field")
    turns = [instruction(record, "instruction", "input"), text(record, "output")]
    for later in sequence(record, "followups") if record.get("followups") is not None else ():
        if not isinstance(later, Mapping):
            raise Reject("wrong-type")
        turns += [text(later, "instruction"), text(later, "output")]
    return Draft(id=name, turns=tuple(turns), input=bool(optional_text(record, "input").strip()))
