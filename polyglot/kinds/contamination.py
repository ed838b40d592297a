"""The benchmark's texts in the rows of a data set."""

from typing import ClassVar

from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params


class ContaminationParams(Params):
    """Texts of the benchmark in the rows of a data set; the rules and their numbers are the job's own."""

    kind: ClassVar[str] = "contamination"

    languages: tuple[Language, ...]  # of the data set


KIND = Kind(
    params=ContaminationParams,
    inputs={"rows": ("ingest",), "questions": ("ingest",), "references": ("ingest",)},
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=6 * HOUR_SECONDS),
)
