"""What the card is made of: verdicts with what is known of the answer that each is on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobs.lib.context import Input, of_role, rows_of
from polyglot.kinds.aggregate import DefectiveTurn
from polyglot.kinds.answer import Answer, Place, texts_by_place
from polyglot.kinds.cells import STUDYS_JUDGE, Cell, judged_by
from polyglot.kinds.judge import JudgeCard, Verdict
from polyglot.kinds.rows import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeName:
    """Who judged."""

    model: str
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """A verdict of single grading; `text` is the answer's, None where there is none.

    `cell` is the one that was answered, whoever judges; `of` is the one that the verdict is of.
    """

    cell: str
    of: str
    verdict: Verdict
    text: str | None
    other_language: bool


def categories(inputs: Mapping[str, Input], languages: Iterable[str]) -> dict[str, str]:
    """The category of each question."""
    return {
        row.id: row.category
        for language in languages
        for row in rows_of(inputs["questions"], f"questions/{language}.jsonl", Question)
    }


def other_languages(inputs: Mapping[str, Input]) -> dict[tuple[str, str], set[Place]]:
    """The turns that are in another language than their question's, by cell and language."""
    found: dict[tuple[str, str], set[Place]] = {}
    for row in inputs["aggregate"].lines("defects.jsonl", DefectiveTurn):
        if "other-language" in row.defects:
            found.setdefault((row.cell, row.language), set()).add((row.id, row.sample, row.turn))
    return found


def graded(
    cells: Sequence[Cell],
    inputs: Mapping[str, Input],
    languages: Sequence[str],
    strays: Mapping[tuple[str, str], set[Place]],
) -> Iterator[Graded]:
    """Every verdict on the cells, in their order."""
    answers, verdicts = of_role(inputs, "answers"), of_role(inputs, "verdicts")
    for cell in (cell for cell in cells if cell.cell in verdicts):
        for language in languages:
            said = texts_by_place(rows_of(answers[cell.cell], f"answers/{language}.jsonl", Answer))
            stray = strays.get((cell.cell, language), set())
            for verdict in rows_of(verdicts[cell.cell], f"verdicts/{language}.jsonl", Verdict):
                place = (verdict.id, verdict.sample, verdict.turn)
                text, other = said.get(place), place in stray
                yield Graded(cell=cell.trained, of=cell.cell, verdict=verdict, text=text, other_language=other)


def by_judge(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """The cells whose verdicts are of each judge, the study's first. Those that are judged otherwise in another way, or
    by all of a panel, are of none.
    """
    found: dict[str, list[Cell]] = {STUDYS_JUDGE: [cell for cell in cells if not cell.otherwise]}
    for cell in cells:
        if cell.judge and cell.otherwise == judged_by(cell.judge):
            found.setdefault(cell.judge, []).append(cell)
    return found


def judge_of(source: Input) -> tuple[JudgeName, tuple[str, ...]]:
    """Who judged, and the names that the endpoint gave."""
    card = source.read("card.json", JudgeCard)
    return JudgeName(model=card.model, endpoint=card.endpoint), card.served_by
