"""How far verdicts can be trusted, and who wins where answers are judged in pairs: the card of a study's judges."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.stage import Resources
from polyglot.kinds.cells import ArmKey, Cell
from polyglot.kinds.kind import GIB, HOUR_SECONDS, File, Kind, Language, Params
from polyglot.kinds.measured import Measured
from polyglot.kinds.strengths import StrengthTable

# Names by which models of one maker are told: a judge may prefer its own family's answers
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "OpenAI": ("gpt", "o1", "o3", "o4", "davinci"),
    "Llama": ("llama", "vicuna", "alpaca"),
    "Mistral": ("mistral", "mixtral", "ministral"),
    "Qwen": ("qwen", "qwq"),
    "Google": ("gemma", "gemini", "palm"),
    "Anthropic": ("claude",),
    "DeepSeek": ("deepseek",),
    "Cohere": ("command", "aya"),
    "BLOOM": ("bloom", "bloomz"),
    "Phi": ("phi",),
    "OpenGPT-X": ("teuken", "opengpt"),
}


class CellPair(Record):
    """Two cells whose answers are compared. `name` is what names the input: "comparisons:<name>"."""

    name: str
    first: str  # the cell that is the comparison's first model
    second: str


class ReliabilityParams(Params):
    """The card of a study's judges, and the results of pairs."""

    kind: ClassVar[str] = "reliability"
    version: ClassVar[int] = 4  # 4: the judge's share of the variance of mean scores

    languages: tuple[Language, ...]
    cells: tuple[Cell, ...]
    pairs: tuple[CellPair, ...] = ()
    level: float = 0.95
    resamples: int = 10_000
    most_unscored: float = 0.05  # share of an arm's items without a verdict; beyond it the arm is not ranked
    wrong_references: tuple[str, ...] = ()  # questions whose reference answers are known to be wrong
    models: Mapping[str, str] = Field(default_factory=dict)  # what each is, as its source calls it
    # people's votes on answers, as `polyglot sheet import` writes them
    votes: Annotated[tuple[File, ...], Field(exclude_if=lambda votes: not votes)] = ()
    # pairs that others judged; inputs are "imported:<name>"
    imported_pairs: Annotated[tuple[CellPair, ...], Field(exclude_if=lambda pairs: not pairs)] = ()


class SingleReliability(Record):
    """Single grading in one language, or in all of them ("all"); scores are in points."""

    language: str
    planned: int
    parsed: int
    reasons: dict[str, int]
    conflicting: int  # replies that also held a different verdict
    published_differs: int  # by the benchmark's own rule the score is another, or there is one more or less
    per_doubling: Measured  # points that go with an answer of twice the length, among answers to the same question
    other_language: int  # answers in another language than the question's that have a score
    other_language_mean: float | None
    own_language_mean: float | None
    wrong_references: int  # scores on questions whose reference answer is known to be wrong
    wrong_references_mean: float | None
    mean: float | None  # of all scores
    mean_without_wrong: float | None


class PairReliability(Record):
    """Pairs in one language, or in all of them ("all"); two verdicts an item, one in each order."""

    language: str
    planned: int  # verdicts: two an item
    parsed: int
    reasons: dict[str, int]
    conflicting: int
    published_differs: int
    inconsistent: Measured  # items whose orders contradict each other
    first_slot: Measured  # of the verdicts that name a winner: the answer that stood first
    ties: Measured
    both_bad: Measured
    longer_won: Measured  # of the verdicts that name a winner, between answers of unequal length
    odds_per_doubling: Measured  # log-odds of the longer answer, pairs and order held constant


class RetestReliability(Record):
    """Single grading asked several times about the same answers, in one language or in all ("all")."""

    language: str
    items: int
    times: int
    flips: Measured  # the chance that two of them give different scores
    deviation: Measured  # standard deviation of an answer's scores, in points


class NoiseParts(Record):
    """Variances of a mean score by where they come from, in squared points; they sum up to the mean's.

    `questions`: that others would have been asked; `seeds`: that others would have been trained with; `answers`: what
    one seed says to one question beyond both; `judge`: what it would say otherwise of the same answers. With one seed
    (`seeds` and `answers` are None) the questions' has that of answers in it; without repeats (`judge` is None) the
    answers' has the judge's.
    """

    questions: float
    seeds: float | None
    answers: float | None
    judge: float | None


class ErrorIf(Record):
    """Standard errors in points if there were more of something; None where that part is not known."""

    now: float
    three_verdicts: float | None  # on each answer, their mean taken
    twice_questions: float
    twice_seeds: float | None


class JudgeNoise(Record):
    """How much of a mean score's variance is the judge's, in one language or in the mean of all ("all").

    `of`: an arm's mean, or the difference of two arms, the mean over all arms (over all pairs of them). The limits of
    `share` are those of the retest's deviation alone.
    """

    language: str
    of: Literal["mean", "difference"]
    arms: int
    seeds: float  # of an arm, the mean
    questions: float
    verdicts: float  # on one seed's answers to one question
    parts: NoiseParts
    share: Measured  # the judge's of the whole; None without repeats
    at_most: float | None  # without repeats: the share of answers and judge together
    error: ErrorIf


class LanguageAgreement(Record):
    """Verdicts on answers to the same question, turn and cell in two languages; scores are ordinal, 1 to 10."""

    first: Language
    second: Language
    items: int
    equal: Measured
    kappa: Measured  # Cohen's, quadratic weights
    alpha: Measured  # Krippendorff's, ordinal


class JudgeAgreement(Record):
    """Judges of one panel on the same items, in one language or in all ("all"): two of them, or all.

    Scores are ordinal, 1 to 10, in whole points; of pairs, ties of all kinds are one, and a contradiction is a tie.
    """

    what: Literal["scores", "pairs"]
    judges: tuple[str, ...]  # names in the study
    language: str
    items: int  # that all of them gave a verdict on
    equal: Measured  # of pairs of judges
    kappa: Measured  # Cohen's, of two; of scores with quadratic weights
    alpha: Measured  # Krippendorff's, ordinal


class PeopleAgreement(Record):
    """People beside the judge in one language, or in all ("all"): how often two of them agree, and the judge with them.

    Shares are of pairs of views on one item: a question, its turn (or the whole conversation), and the answers.
    """

    language: str
    what: Literal["pairs", "scores"]  # what people were asked for
    judged: Literal["pairs", "scores"] | None  # what the judge's view comes from; None: it judged none of the items
    people: int
    votes: int
    native: int  # votes of people who call the language a native one of theirs
    items: int
    shared: int  # items that two people or more voted on
    judged_items: int
    people_agree: Measured
    judge_agrees: Measured
    difference: Measured  # the judge's less the people's, on the items that both have
    people_kappa: Measured  # of pairs nominal, of scores with quadratic weights
    judge_kappa: Measured
    people_ac2: Measured  # Gwet's, ordinal weights
    judge_ac2: Measured
    people_alpha: Measured  # Krippendorff's, ordinal
    judge_alpha: Measured
    judge: str | UnsetType = UNSET  # of a study with a panel: its name


class JudgeReliability(Record):
    """One judge."""

    model: str
    endpoint: str
    served_by: tuple[str, ...]  # names that the endpoint gave
    singles: tuple[SingleReliability, ...]
    pairs: tuple[PairReliability, ...]
    retests: tuple[RetestReliability, ...]
    across_languages: tuple[LanguageAgreement, ...]
    name: str | UnsetType = UNSET  # of a study with a panel
    noise: tuple[JudgeNoise, ...] | UnsetType = UNSET  # of one that gave scores, from version 4 on


class PairResult(Record):
    """Two arms over all of their cells that meet, in one language or in all ("all"). Shares are of the items scored."""

    first: ArmKey
    second: ArmKey
    language: str
    cells: int  # pairs of cells
    wins: Measured  # of the first, in both orders
    ties: Measured  # items whose orders contradict each other are among them
    losses: Measured
    rate: Measured  # a win 1, a tie 1/2
    inconsistent: Measured
    both_bad: Measured
    unscored: int  # items without a verdict in one of the orders
    rate_at_least: float | None  # if the first had lost all of the unscored
    rate_at_most: float | None  # if it had won them
    judge: str | UnsetType = UNSET  # who judged them, of pairs that were not judged here


SuspiciousWhat = Literal[
    "constant", "verdict-planted", "delimiters-planted", "instructions-planted", "repeated", "empty"
]
SUSPICIOUS: Mapping[SuspiciousWhat, str] = {  # what such answers do, in words
    "constant": "are one text for many questions",
    "verdict-planted": "hold a verdict of their own",
    "delimiters-planted": "hold delimiters of the judge's prompt",
    "instructions-planted": "tell the judge what to do",
    "repeated": "say the same over and over",
    "empty": "are empty",
}


class Suspicious(Record):
    """Answers of one cell in one language that answer nothing, or speak to the judge, and what they were given."""

    cell: str  # of a panel's judge the rejudged one
    language: Language
    what: SuspiciousWhat
    turns: int
    scored: int
    mean: float | None
    others_mean: float | None  # of the cell's other answers in the language


class Reliability(Record):
    """`reliability.json`."""

    level: float
    judges: tuple[JudgeReliability, ...]
    results: tuple[PairResult, ...]
    suspicious: tuple[Suspicious, ...]
    warnings: tuple[str, ...]  # what a reader must know, in sentences
    people: tuple[PeopleAgreement, ...] | UnsetType = UNSET  # of a study with votes
    between: tuple[JudgeAgreement, ...] | UnsetType = UNSET  # of a study with a panel
    strengths: tuple[StrengthTable, ...] | UnsetType = UNSET  # of a study with pairs


class RuleDifference(Record):
    """`published_rule.jsonl`: a reply that the benchmark's own rule reads otherwise."""

    of: str  # the cell, or the pair of cells
    language: Language
    id: str
    sample: int
    turn: int
    ours: str | None  # None: no verdict
    published: str | None
    text: str
    order: int | UnsetType = UNSET  # of a pair: 0 where the first model's answer stood first


def family_of(name: str) -> str | None:
    """The family that a model's name tells; None where it tells none."""
    words = "".join(sign if sign.isalpha() else " " for sign in name.lower()).split()
    joined = name.lower().replace("_", "-").split("/")[-1]
    for family, names in FAMILIES.items():
        if any(word in names for word in words) or any(part in names for part in joined.split("-")):
            return family
    return None


KIND = Kind(
    params=ReliabilityParams,
    inputs={
        "verdicts": ("judge", "panel"),
        "comparisons": ("compare", "panel"),
        "imported": ("imported",),
        "retest": ("judge",),
        "answers": ("answer", "ask", "imported"),
        "questions": ("ingest",),
        "aggregate": ("aggregate",),
    },
    files={
        "reliability.json": Reliability,
        "pairs.csv": "the rows of the results of pairs",
        "strengths.csv": "the rows of strengths, and of the gaps between them; where there are pairs",
        "published_rule.jsonl": RuleDifference,
    },
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=HOUR_SECONDS),
    libraries=("numpy",),
)
