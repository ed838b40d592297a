"""Lima-X: LIMA's `conversations`, a list of texts that alternate between user and assistant, of two or more.

LIMA's rows have no id, so rows are numbered by their position, which the languages share. A row whose `conversations`
holds {"from", "value"} objects is read as ShareGPT's, and one with `instruction` and `output` as Alpaca's: translated
editions of LIMA have been published in all three shapes.
"""

from collections.abc import Mapping
from typing import Any

from jobs.ingest.adapters import alpaca, sharegpt
from jobs.ingest.adapters.fields import Draft, identifier, sequence, texts


def row(record: Mapping[str, Any]) -> Draft:
    """Return the draft of one Lima-X record."""
    if "conversations" not in record and "instruction" in record:
        return alpaca.row(record)
    turns = sequence(record, "conversations")
    if turns and isinstance(turns[0], Mapping):
        return sharegpt.row(record)
    return Draft(id=identifier(record, "id"), turns=texts(turns))
