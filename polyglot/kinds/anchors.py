"""Answers of one cell as they were when a study's nights began: what every night judges anew.

They are named by the digests of their files and by no stage, so that they stay the same whatever becomes of the stage
that made them.
"""

from collections.abc import Mapping
from typing import ClassVar

from polyglot.core.stage import Resources
from polyglot.kinds.answer import Answer, AnswerCard, known_answers
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params, Sha256


class AnchorsParams(Params):
    """Which answers: blobs of the store."""

    kind: ClassVar[str] = "anchors"

    cell: str
    answers: Mapping[Language, Sha256]  # answers/<LANG>.jsonl
    card: Sha256


KIND = Kind(
    params=AnchorsParams,
    files={"answers/<LANG>.jsonl": Answer, "card.json": AnswerCard},
    resources=Resources(memory_bytes=GIB, deadline_seconds=HOUR_SECONDS),
    known=known_answers,
)
