"""The benchmark's texts in the rows of a data set."""

from typing import ClassVar

from polyglot.core.records import Record
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params


class ContaminationParams(Params):
    """Texts of the benchmark in the rows of a data set; the rules and their numbers are the job's own."""

    kind: ClassVar[str] = "contamination"

    languages: tuple[Language, ...]  # of the data set


class OverlapMatch(Record, order=True):
    """`hits.jsonl`: one match of a row's turn with a turn of the benchmark. Turns count from 1; hits sort by field."""

    id: str  # of the row
    language: str
    turn: int
    question: str
    question_language: str
    question_turn: int
    of: str  # "question" or "reference"
    kind: str  # "exact", "overlap" or "near"
    similarity: float  # Jaccard of the two turns' word 3-grams, 4 digits; 1.0 when exact


class Matches(Record):
    """Matches of one kind, and the rows that have them."""

    matches: int
    rows: int


class LanguageMatches(Record):
    """One language of the data set."""

    rows_read: int
    exact: Matches
    overlap: Matches
    near: Matches


class MatchRules(Record):
    """The numbers in the rules; see jobs.lib.rows.contamination."""

    run_words: int
    shortest_run_words: int
    near_gram_words: int
    near_similarity: float
    near_shortest_words: int


class ContaminationCard(Record):
    """`card.json`."""

    rules: MatchRules
    languages: dict[str, LanguageMatches]
    ids: int  # with a match in some language
    questions: int  # that are matched


KIND = Kind(
    params=ContaminationParams,
    inputs={"rows": ("ingest",), "questions": ("ingest",), "references": ("ingest",)},
    files={"hits.jsonl": OverlapMatch, "card.json": ContaminationCard},
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=6 * HOUR_SECONDS),
)
