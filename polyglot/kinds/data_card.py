"""The card of rows, `card.json` of ingest and reference stages: what is in each language, and what code finds wrong.

Counts are complete; lists of ids or places hold the first of them. A place is "<id>:<turn>", turns counted from 1.
"""

from polyglot.core.records import UNSET, Record, UnsetType


class Listed(Record):
    """Some ids: how many, and the first of them in order."""

    count: int
    ids: tuple[str, ...]


class Placed(Record):
    """Some findings: how many, and where the first of them are."""

    count: int
    where: tuple[str, ...]


class Spread(Record):
    """Lengths of texts; percentiles by nearest rank."""

    mean: float
    median: int
    p95: int
    max: int


class Clusters(Record):
    """Near duplicates as clusters, each beginning with its first row."""

    count: int
    largest: int
    ids: tuple[tuple[str, ...], ...]


class NearDuplicates(Record):
    """Rows that nearly equal an earlier one, of those that were long enough to be compared."""

    count: int
    of: int
    clusters: Clusters


class Filled(Record):
    """Questions with a `reference` field, and those whose field is not blank."""

    present: int
    filled: int


class LanguageCard(Record):
    """One language. What only some sources have is unset elsewhere."""

    records: int
    accepted: int
    rejected: int | UnsetType = UNSET
    reasons: dict[str, int] | UnsetType = UNSET  # why records were rejected
    notes: dict[str, int] | UnsetType = UNSET
    turns: dict[str, int] | UnsetType = UNSET  # turns of a row -> rows
    with_input: int | UnsetType = UNSET
    positional_ids: int | UnsetType = UNSET  # rows without an id of their own
    reference_field: Filled | UnsetType = UNSET
    finish: dict[str, int] | UnsetType = UNSET  # by finish reason, of references that a model wrote
    prompt_tokens: int | UnsetType = UNSET
    completion_tokens: int | UnsetType = UNSET
    characters: dict[str, Spread] | UnsetType = UNSET  # by role
    words: dict[str, Spread] | UnsetType = UNSET
    licences: dict[str, int] | UnsetType = UNSET  # name -> rows
    personal: dict[str, Placed] | UnsetType = UNSET  # personal data by kind; never the text itself
    repeated_rows: Listed | UnsetType = UNSET
    ambiguous_instructions: Listed | UnsetType = UNSET
    repeated_last_turns: int | UnsetType = UNSET
    near_duplicates: NearDuplicates | UnsetType = UNSET
    identified: dict[str, int] | UnsetType = UNSET  # language that a turn is likeliest in -> turns


class Share(Record):
    """Findings, of how many places looked at."""

    count: int
    of: int


class Found(Record):
    """What one detector found in one language."""

    count: int
    of: int | UnsetType = UNSET
    by_role: dict[str, Share] | UnsetType = UNSET
    where: tuple[str, ...] = ()
    details: tuple[str, ...] | UnsetType = UNSET  # of judge prompts: the text in question


class Defect(Record):
    """A detector's counting rule, and what it found in each language."""

    rule: str
    languages: dict[str, Found]


class Parallel(Record):
    """How parallel the languages are: a language lacks an id that its source does not have, or that was rejected."""

    ids: int  # in any language
    in_all: int
    same_order: bool
    absent: dict[str, Listed]
    rejected: dict[str, Listed]


class Source(Record):
    """Where the rows come from."""

    kind: str
    format: str | None
    hub: str | None
    revision: str | None
    model: str | UnsetType = UNSET  # that wrote them


class HeldOut(Record):
    """One language's rows for validation, and what they share with the others."""

    rows: int
    shared_ids: Listed
    shared_texts: Listed


class Validation(Record):
    """The part that nothing is trained on; `drawn_ids` is None for one that was published as such."""

    drawn_ids: int | None
    languages: dict[str, HeldOut]


class Rules(Record):
    """Counting rules, word for word as people read them."""

    near_duplicates: str
    ambiguous_instructions: str
    personal: dict[str, str]


class DataCard(Record):
    """A whole card. A card of judge prompts has languages and defects alone; `where` names prompts in it.

    Defects are found by code, listed and left as they are.
    """

    what: str
    source: Source
    licence: str | None
    pivot: str  # the language that the others are compared with
    languages: dict[str, LanguageCard]
    defects: dict[str, Defect]
    rules: Rules | UnsetType = UNSET
    parallel: Parallel | UnsetType = UNSET
    validation: Validation | UnsetType = UNSET
    endpoint: str | UnsetType = UNSET  # of references that a model wrote: "built-in" or "openai"
    served_by: tuple[str, ...] | UnsetType = UNSET  # names that the endpoint gave
    prompt: int | UnsetType = UNSET  # version of our wording
