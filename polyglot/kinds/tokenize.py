"""Token ids and loss mask of one language's rows, under one tokenizer and chat template."""

from typing import ClassVar, Literal

from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.forecast import (
    CHARACTERS_PER_TOKEN,
    PROCESS_BYTES,
    SMALL_CHARACTERS_PER_TOKEN,
    SMALL_VOCABULARY,
    START_SECONDS,
    Ask,
    Facts,
    Forecast,
    Read,
    Texts,
)
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


_CHARACTERS_PER_SECOND = 2.5e6  # of a core (docs/performance.md)
_TURN_TOKENS = 6  # of a template's markers, each turn
_ANSWERED = 0.6  # of a row's text is the answer's, where nobody counted


def _known(stage: Stage, read: Read) -> Facts:
    """What was counted; turns are not."""
    card: TokenCard = read("card.json", TokenCard)
    texts = Texts(rows=card.rows, tokens=card.tokens, loss_tokens=card.loss_tokens, longest=card.longest)
    return Facts(source="the card of the token set", texts={card.language: texts})


def _estimate(ask: Ask) -> Forecast:
    params = TokenizeParams.of(ask.stage)
    rows, base = ask.inputs["rows"], ask.inputs["base"].shape
    found = rows.texts.get(params.language)
    if found is None or found.characters is None or params.part != "rows":
        lacking = (f"rows of {params.language}",) if params.part == "rows" else ()
        return Forecast(memory={"process": PROCESS_BYTES}, seconds=START_SECONDS, lacking=lacking)
    small = base is not None and base.vocabulary < SMALL_VOCABULARY
    each = SMALL_CHARACTERS_PER_TOKEN if small else CHARACTERS_PER_TOKEN
    answers = found.answers or found.rows
    wrapping = (len(params.system) / each + _TURN_TOKENS) * found.rows + 2 * _TURN_TOKENS * answers
    tokens = min(found.characters / each + wrapping, params.max_tokens * found.rows)
    learnt = (found.answer_characters or _ANSWERED * found.characters) / each + answers
    texts = Texts(rows=found.rows, answers=answers, tokens=tokens, loss_tokens=min(learnt, tokens))
    source = f"{rows.source}, {each:g} characters a token assumed"
    return Forecast(
        memory={"process": PROCESS_BYTES, "rows": int(min(tokens * 5, 200 * 2**20))},
        tokens=tokens,
        seconds=START_SECONDS + found.characters / _CHARACTERS_PER_SECOND,
        disk_bytes=int(found.characters * 2 + tokens * 5),
        sources={"tokens": source, "time": "2.5 MB a second and core"},
        result=Facts(source=source, texts={params.language: texts}),
    )


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
    estimate=_estimate,
    known=_known,
)
