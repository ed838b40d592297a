"""A language mix: an index list over token sets."""

from typing import ClassVar, Literal

from polyglot.core.records import Record
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.contamination import Matches
from polyglot.kinds.forecast import Ask, Facts, Forecast, Read, Texts
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params


class MixParams(Params):
    """An index list over token sets."""

    kind: ClassVar[str] = "mix"
    version: ClassVar[int] = 3  # 3: from token sets and hits alone; what is contaminated can be left out

    mix: str  # canonical name without the size: "DEFRITES-sampled", "EN:0.5,DE:0.25,FR:0.25"
    languages: tuple[Language, ...]
    weights: tuple[float, ...]  # of the sampled form; equal shares unless the name has weights
    sampled: bool
    size: int | None  # number of ids; None = all
    draw: int = 0  # which seeded order of ids
    temperature: float | None = None  # of the sampled form: shares by rows^(1/temperature) in place of the weights
    decontaminate: Literal["none", "exact", "overlap", "near", "all"] = "none"  # ids that leave, in all languages
    published: bool = False  # the index is that of a published file


class IndexRow(Record):
    """`index.jsonl`: one sample of the mix, in its order; `row` is a row number of that language's tokens.arrow."""

    id: str
    language: str
    row: int


class LeftOut(Record):
    """Ids that are not in the mix: how many, and the first of them."""

    count: int
    ids: tuple[str, ...]


class Fertility(Record):
    """Tokens per character and per word of the answers; the one EOS of each answer is not counted."""

    characters: int
    words: int
    tokens_per_character: float | None
    tokens_per_word: float | None


class MixMatch(Record):
    """A match of one of the mix's rows with the benchmark."""

    kind: str
    of: str
    row: str  # "<id>:<language>"
    question: str  # "<id>:<language>:<turn>"
    similarity: float


class MixContamination(Record):
    """The mix's rows that match the benchmark themselves, and those whose id does in another language."""

    exact: Matches
    overlap: Matches
    near: Matches
    rows: dict[str, int]  # by language
    rows_by_id: dict[str, int]
    questions: int
    matches: tuple[MixMatch, ...]


class Lines(Record):
    """Records of a published file: how many, and the first of their lines."""

    count: int
    lines: tuple[int, ...]


class PublishedMatch(Record):
    """How a published file's records were found in the data set. A partition has each id exactly once."""

    records: int
    partition: bool
    parallel: bool
    ids_lacking: int
    unmatched: Lines  # no row of the data set has these turns
    ambiguous: Lines  # rows of several languages have them
    outside: Lines  # of a language that the mix lacks
    repeats: Lines  # of a pair that an earlier record is of; they stay in the mix


class MixCard(Record):
    """`card.json`. Mappings are by language."""

    mix: str
    languages: tuple[Language, ...]
    form: str  # "parallel", "sampled" or "published"
    draw: int
    size: int | None
    temperature: float | None
    ids: int
    ids_available: int
    rows_in_data: dict[str, int]
    shares_asked: dict[str, float]
    rows: dict[str, int]
    tokens: dict[str, int]
    loss_tokens: dict[str, int]
    truncated: dict[str, int]
    loss_token_shares: dict[str, float | None]
    fertility: dict[str, Fertility]
    left_out: dict[str, LeftOut]  # by reason
    decontaminate: str
    contamination: MixContamination | None  # None: nobody looked
    published: PublishedMatch | None


def _known(stage: Stage, read: Read) -> Facts:
    """The card's counts."""
    card: MixCard = read("card.json", MixCard)
    texts = {
        language: Texts(rows=rows, tokens=card.tokens[language], loss_tokens=card.loss_tokens[language])
        for language, rows in card.rows.items()
    }
    return Facts(source="the mix card", texts=texts)


def _estimate(ask: Ask) -> Forecast:
    """Every language whole, or its share of as many rows as one language has; `size` ids at most."""
    params = MixParams.of(ask.stage)
    found = {language: facts.texts.get(language) for language, facts in ask.of("tokens")}
    sets = {language: texts for language, texts in found.items() if texts is not None and texts.tokens is not None}
    if len(sets) < len(params.languages):
        return Forecast(lacking=tuple(f"tokens of {one}" for one in params.languages if one not in sets))
    fewest = min(texts.rows for texts in sets.values())
    ids = min(fewest, params.size or fewest)
    total = sum(params.weights)
    texts = {}
    for language, weight in zip(params.languages, params.weights, strict=True):
        whole = sets[language].rows if params.size is None else ids
        texts[language] = _part(sets[language], ids * weight / total if params.sampled else whole)
    source = next(facts.source for _, facts in ask.of("tokens"))
    tokens = sum(each.tokens or 0 for each in texts.values())
    return Forecast(tokens=tokens, sources={"tokens": source}, result=Facts(source=source, texts=texts))


def _part(texts: Texts, rows: float) -> Texts:
    share = rows / texts.rows if texts.rows else 0.0
    return Texts(
        rows=rows,
        answers=None if texts.answers is None else texts.answers * share,
        tokens=(texts.tokens or 0.0) * share,
        loss_tokens=(texts.loss_tokens or 0.0) * share,
    )


KIND = Kind(
    params=MixParams,
    inputs={"tokens": ("tokenize",), "hits": ("contamination",), "published": ("ingest",), "rows": ("ingest",)},
    files={"index.jsonl": IndexRow, "card.json": MixCard},
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=6 * HOUR_SECONDS),
    warm_imports=("numpy", "pyarrow.compute"),
    estimate=_estimate,
    known=_known,
)
