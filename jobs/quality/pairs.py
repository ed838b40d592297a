"""The turns that are assessed: every turn of every id that source and translation both have, with all that it is held
against.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jobs.lib.context import Input
from jobs.lib.rows.by_id import id_key
from polyglot.core.errors import Permanent
from polyglot.kinds.quality import QualityParams
from polyglot.kinds.rows import FOLDERS, FORMS, Form, Question

# Length classes of rows that have no category: characters of the source's turn, from the first number on.
CLASSES = ((0, "under 200"), (200, "200 to 799"), (800, "800 to 1,999"), (2000, "2,000 and more"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One turn. `category` is the benchmark's, or the source's length class; `reference` and `back` may be missing."""

    id: str
    turn: int
    role: str
    category: str
    origin: str
    source: str
    target: str
    reference: str | None = None
    back: str | None = None

    @property
    def label(self) -> str:
        """As the cards name it."""
        return f"{self.id}:{self.turn}"


@dataclass(kw_only=True)
class Pairs:
    """All turns, in the source's order, and the ids that could not be paired."""

    pairs: list[Pair] = field(default_factory=list)
    untranslated: list[str] = field(default_factory=list)  # ids without a translation
    without_source: list[str] = field(default_factory=list)
    other_turns: list[str] = field(default_factory=list)  # ids with another number of turns


def collect(inputs: Mapping[str, Input], params: QualityParams) -> Pairs:
    """Pair everything. Raises Permanent when an input lacks its language, or nothing at all is in both."""
    source = _rows(inputs, "source", params.what, params.source)
    translated = _rows(inputs, "translated", params.what, params.target)
    reference = _rows(inputs, "reference", params.what, params.target) if "reference" in inputs else {}
    back = _rows(inputs, "back", params.what, params.source) if "back" in inputs else {}
    categories = {}
    if "questions" in inputs:
        questions = _rows(inputs, "questions", "questions", params.source)
        categories = {name: row.category for name, row in questions.items() if isinstance(row, Question)}
    found = Pairs(without_source=sorted(translated.keys() - source.keys()))
    for name, row in source.items():
        other = translated.get(name)
        if other is None:
            found.untranslated.append(name)
        elif len(other.turns) != len(row.turns):
            found.other_turns.append(name)
        else:
            category = (row.category if isinstance(row, Question) else "") or categories.get(name)
            found.pairs += _pairs(row, other, reference.get(name), back.get(name), category)
    if not found.pairs:
        raise Permanent(
            f"no id is in both {params.source} ({len(source)} ids) and {params.target} ({len(translated)} ids). "
            "Is the translation one of these rows?"
        )
    return found


def _pairs(row: Form, other: Form, reference: Form | None, back: Form | None, category: str | None) -> Iterator[Pair]:
    held = {"reference": _texts(reference, row), "back": _texts(back, row)}
    translated = other.texts
    for number, (role, text) in enumerate(row.spoken):
        if not text.strip() and not translated[number].strip():
            continue  # a turn that has no reference answer
        yield Pair(
            id=row.id,
            turn=number + 1,
            role=role,
            category=category or length_class(text),
            origin=row.origin.rpartition(":")[0],
            source=text,
            target=translated[number],
            reference=held["reference"][number],
            back=held["back"][number],
        )


def length_class(text: str) -> str:
    """The class of a source text by its characters."""
    return next(name for least, name in reversed(CLASSES) if len(text) >= least)


def _texts(row: Form | None, like: Form) -> list[str | None]:
    texts: list[str | None] = [*row.texts] if row is not None else []
    return texts if len(texts) == len(like.turns) else [None] * len(like.turns)


def _rows(inputs: Mapping[str, Input], role: str, what: str, language: str) -> dict[str, Form]:
    name = f"{FOLDERS[what]}/{language}.jsonl"
    if name not in inputs[role].names():
        there = " ".join(n for n in inputs[role].names() if n.startswith(FOLDERS[what])) or "none"
        raise Permanent(f"{role}: got {there}; expected {name}")
    kind: type[Form] = FORMS[what]
    return {id_key(row.id): row for row in inputs[role].lines(name, kind)}
