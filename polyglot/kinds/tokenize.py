"""Token ids and loss mask of one language's rows, under one tokenizer and chat template."""

from typing import ClassVar, Literal

from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params, Traits, always
from polyglot.kinds.templates import PAPER, TemplateDate, TemplateName


class TokenizeParams(Params):
    """Token ids and loss mask of one language's rows, under one tokenizer and chat template."""

    kind: ClassVar[str] = "tokenize"
    version: ClassVar[int] = 3  # 2: characters, words and number of the answers are columns; 3: loss tokens, too

    language: Language
    part: Literal["rows", "validation"] = "rows"  # of the data set
    template: TemplateName = PAPER
    system: str  # the localised system message; "" for none
    max_tokens: int
    over_long: Literal["drop", "truncate"]
    template_date: TemplateDate = None


class Dropped(Record):
    """A row without tokens, and why: "over-long", "nothing-supervised" or a sentence."""

    id: str
    tokens: int
    reason: str


class Cut(Record):
    """A row that was cut at `max_tokens`, and how long it was."""

    id: str
    tokens: int


class TokenCard(Record):
    """`card.json`. Fertility counts whole encodings: roles, system message and specials included."""

    language: str
    part: str
    template: str
    system: str
    max_tokens: int
    rows_read: int
    rows: int
    tokens: int
    loss_tokens: int
    longest: int
    unknown_tokens: int
    characters_per_token: float
    tokens_per_word: float
    dropped: tuple[Dropped, ...]
    truncated: tuple[Cut, ...]
    # of a template of the tokenizer's own, where it is not as usual
    turn_end: str | UnsetType = UNSET  # the token that ends a turn, if it is not EOS
    system_role: str | UnsetType = UNSET  # "first-user": put there, as the template refuses it; "ignored" by it
    date: str | UnsetType = UNSET  # that the template writes


KIND = Kind(
    params=TokenizeParams,
    inputs={"rows": ("ingest", "translate"), "base": ("base",)},
    files={
        "tokens.arrow": "an Arrow IPC file, memory-mappable, in the order of the rows less those that were dropped: "
        "`id`, `input_ids` (list of int32), `loss` (list of bool of the same length, true where supervised), "
        "`loss_tokens` (how many are), and of the assistant turns before any cut `characters`, `words` (split at white "
        "space) and `answers`",
        "card.json": TokenCard,
    },
    resources=Resources(memory_bytes=3 * GIB, deadline_seconds=6 * HOUR_SECONDS),
    libraries=("transformers", "tokenizers", "pyarrow"),
    traits=always(Traits(loads_model=True)),
)
