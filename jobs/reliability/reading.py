"""What the card is made of: verdicts with what is known of the answer that each is on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobs.lib.context import Input, of_role
from polyglot.kinds.aggregate import Cell, DefectiveTurn
from polyglot.kinds.answer import Answer
from polyglot.kinds.judge import JudgeCard, Verdict
from polyglot.kinds.rows import Question

Place = tuple[str, int, int]  # question, sample, turn


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeName:
    """Who judged."""

    model: str
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """A verdict of single grading; `text` is the answer's, None where there is none."""

    cell: str
    verdict: Verdict
    text: str | None
    other_language: bool


def categories(inputs: Mapping[str, Input], languages: Iterable[str]) -> dict[str, str]:
    """The category of each question."""
    source = inputs["questions"]
    names = set(source.names())
    return {
        row.id: row.category
        for language in languages
        if (name := f"questions/{language}.jsonl") in names
        for row in source.lines(name, Question)
    }


def other_languages(inputs: Mapping[str, Input]) -> dict[tuple[str, str], set[Place]]:
    """The turns that are in another language than their question's, by cell and language."""
    found: dict[tuple[str, str], set[Place]] = {}
    for row in inputs["aggregate"].lines("defects.jsonl", DefectiveTurn):
        if "other-language" in row.defects:
            found.setdefault((row.cell, row.language), set()).add((row.id, row.sample, row.turn))
    return found


def texts(source: Input, language: str) -> dict[Place, str]:
    """A cell's answers in one language, turn by turn."""
    name = f"answers/{language}.jsonl"
    if name not in source.names():
        return {}
    return {
        (row.id, row.sample, number): turn.text
        for row in source.lines(name, Answer)
        for number, turn in enumerate(row.turns, 1)
    }


def graded(
    cells: Sequence[Cell],
    inputs: Mapping[str, Input],
    languages: Sequence[str],
    strays: Mapping[tuple[str, str], set[Place]],
) -> Iterator[Graded]:
    """Every verdict on the cells, in their order; rejudged cells are other ways to judge and are left out."""
    answers, verdicts = of_role(inputs, "answers"), of_role(inputs, "verdicts")
    for cell in (cell for cell in cells if not cell.otherwise and cell.cell in verdicts):
        source = verdicts[cell.cell]
        for language in languages:
            name = f"verdicts/{language}.jsonl"
            if name not in source.names():
                continue
            said, stray = texts(answers[cell.cell], language), strays.get((cell.cell, language), set())
            for verdict in source.lines(name, Verdict):
                place = (verdict.id, verdict.sample, verdict.turn)
                yield Graded(cell=cell.cell, verdict=verdict, text=said.get(place), other_language=place in stray)


def judge_of(source: Input) -> tuple[JudgeName, tuple[str, ...]]:
    """Who judged, and the names that the endpoint gave."""
    card = source.read("card.json", JudgeCard)
    return JudgeName(model=card.model, endpoint=card.endpoint), card.served_by
