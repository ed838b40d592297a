"""One published data set, benchmark or set of judge prompts, as rows of one form with a card."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from polyglot.core.canonical import Json
from polyglot.core.records import Record
from polyglot.core.stage import Resources
from polyglot.kinds.data_card import DataCard
from polyglot.kinds.kind import GIB, HOUR_SECONDS, File, Kind, Language, Params, Traits, has_address
from polyglot.kinds.rows import Question, Reference, Rejection, Row, offered_rows

# Published schemas of instruction data; jobs/ingest/adapters/schemas.py reads them.
DatasetFormat = Literal["bactrian-x", "lima-x", "alpaca", "dolly", "messages", "sharegpt"]

# What makes rows of several languages one row: their id, or their place in the files. No field of keys made before it.
PairBy = Annotated[Literal["id", "position"], Field(exclude_if=lambda pair_by: pair_by == "id")]


class IngestParams(Params):
    """Read one data set, one benchmark's questions or references into the normal form, or describe judge prompts."""

    kind: ClassVar[str] = "ingest"
    # 2: near duplicates, personal data, words and noise on the card; no exchanged files
    # 3: comments left untranslated, French colons, instructions with several answers
    version: ClassVar[int] = 3

    what: Literal["dataset", "questions", "references", "prompts", "published"]  # published: a mix
    languages: tuple[Language, ...]  # in the order the study names them
    source: Literal["built-in", "files", "hub", "stages"]  # "stages": each language as another stage wrote it
    format: DatasetFormat | Literal["mt-bench", "normal"]
    builtin: str | None = None  # "instructions", "verifiable", "verifiable-dev"
    files: Mapping[Language, tuple[File, ...]] = Field(default_factory=dict)  # of a published mix: by "*"
    hub: str | None = None  # owner/name
    revision: str | None = None  # 40 hex digits
    config: str | None = None  # "{language}" (lower case) and "{LANGUAGE}" are filled in
    split: str = "train"
    data_files: str | None = None  # a pattern inside the hub repository, with the same placeholders
    licence: str = ""
    pair_by: PairBy = "id"
    # the part for validation of a data set: a number of ids drawn from the rows, or files or a hub's split of its own
    validation_ids: int = 0
    validation_files: Mapping[Language, tuple[File, ...]] = Field(default_factory=dict)
    validation_split: str | None = None
    validation_data_files: str | None = None

    @property
    def own_validation(self) -> bool:
        """Whether the part for validation is read from a place of its own."""
        return bool(self.validation_files or self.validation_split or self.validation_data_files)


class PublishedRow(Record):
    """`published.jsonl`: a row of a published mix, in the file's order."""

    line: int
    id: str | None
    digest: str  # 32 hex digits of the SHA-256 of the turns, a zero byte between them


class PublishedRejection(Record):
    """`rejected.jsonl` of a published mix."""

    file: str
    line: int
    reason: str


class PublishedCard(Record):
    """`card.json` of a published mix; what its rows are is found by the mix."""

    what: str
    records: int
    rejected: dict[str, int]  # by reason
    languages: dict[str, int] = {}


def _traits(params: Mapping[str, Json]) -> Traits:
    return Traits(
        fetches_from_hub=bool(params.get("hub")), fetches_sources=bool(params.get("hub")) or has_address(params)
    )


KIND = Kind(
    params=IngestParams,
    # source "stages": each language as another stage wrote it
    inputs={
        "rows": ("translate", "ingest"),
        "questions": ("translate", "ingest"),
        "references": ("translate", "ingest"),
    },
    files={
        "rows/<LANG>.jsonl": Row,
        "validation/<LANG>.jsonl": Row,
        "questions/<LANG>.jsonl": Question,
        "references/<LANG>.jsonl": Reference,
        "published.jsonl": PublishedRow,
        "rejected.jsonl": (Rejection, PublishedRejection),
        "card.json": (DataCard, PublishedCard),
    },
    offers=offered_rows,
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=6 * HOUR_SECONDS),
    libraries=("pyarrow",),
    uses_pandas=True,
    warm_imports=("py3langid.langid",),
    traits=_traits,
)
