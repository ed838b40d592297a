"""What is the matter with answers, turn by turn: another language, repetition, nothing, the length limit.

A turn's language is identified where it has prose enough: fenced code, lines of code, formulas and links are left out.
Where that leaves too little, or nothing likely, it is unknown and nothing is the matter. docs/report.md has the rules
and what they were measured to do.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from jobs.aggregate.reading import rows_by_language
from jobs.lib.context import Input
from jobs.lib.text.identify import identified
from jobs.lib.text.texts import Text
from polyglot.core.records import UNSET
from polyglot.kinds.aggregate import Defect, DefectiveTurn
from polyglot.kinds.answer import Answer, AnswerTurn
from polyglot.kinds.cells import Cell

CHARACTERS = 300  # of a turn's prose that are looked at: more take longer and find nothing more
DOUBT = 0.01  # the asked language's probability below which a turn counts as another language's …
LIKELY = 0.5  # … if that one is at least so probable

_ONE = ({"NO", "NB", "NN"}, {"BS", "HR", "SR"}, {"ID", "MS"})  # languages that the model cannot tell from each other

# Degenerate repetition by seq-rep-4 of Welleck et al., Neural Text Generation with Unlikelihood Training (ICLR 2020,
# arXiv 1908.04319), section 5: 1 - distinct 4-grams / all 4-grams. Long words are cut in pieces, so that what is
# written without spaces counts too.
REPEATED_SHARE = 0.5
FEWEST_TOKENS = 40
_GRAM = 4
_TOKEN = re.compile(r"\w{1,20}|[^\w\s]")

_FORMULA = re.compile(
    r"\$\$.{1,2000}?\$\$|\$[^$\n]{1,200}\$|\\\[.{1,2000}?\\\]|\\\(.{1,500}?\\\)|\\[A-Za-z]+", re.DOTALL
)
_CODE_LINE = re.compile(  # outside of fences: a statement's first word and its end, an assignment, a call
    r"[ \t]*(?:(?:def|class|import|from|return|for|while|if|elif|else|try|except|with|print|public|private|static|const"
    r"|let|var|function|using|int|void|#include)\b.*[(){}\[\]=:;<>]|(?:import|from) [\w. ]+"
    r"|[\w.\[\]\"']+ ?[-+*/]?= ?\S.*|[\w.]+\(.*\);?|.*[;{}])[ \t]*"
)


class TurnCounts(NamedTuple):
    """Turns of the answers in one cell and language, and of these: those that ended so, those with each defect."""

    turns: int = 0
    cut: int = 0
    stopped: int = 0
    other_language: int = 0
    repeated: int = 0
    empty: int = 0
    unknown_language: int = 0


class Judged(NamedTuple):
    """What is the matter with a text, and its language: None when it is unknown."""

    defects: tuple[Defect, ...]
    spoken: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Over all cells: counts by cell and language, and the turns with a defect."""

    counts: Mapping[tuple[str, str], TurnCounts]
    turns: Sequence[DefectiveTurn]


def find_defects(cells: Sequence[Cell], inputs: Mapping[str, Input], languages: Sequence[str]) -> Found:
    """Look at every turn once: a rejudged cell has the answers of the cell that it repeats."""
    counts: dict[tuple[str, str], TurnCounts] = {}
    turns: list[DefectiveTurn] = []
    for cell in (cell for cell in cells if cell.cell == cell.trained and f"answers:{cell.cell}" in inputs):
        source = inputs[f"answers:{cell.cell}"]
        for language, answers in rows_by_language(source, "answers", Answer, languages).items():
            counts[cell.cell, language] = _count(cell, language, answers, turns)
    rejudged = [cell for cell in cells if cell.cell != cell.trained]
    again = {(cell.cell, language): counts.get((cell.trained, language)) for cell in rejudged for language in languages}
    return Found(counts=counts | {name: found for name, found in again.items() if found}, turns=turns)


def _count(cell: Cell, asked: str, answers: Iterable[Answer], defective: list[DefectiveTurn]) -> TurnCounts:
    """Look at the turns of one cell in one language, and add those with a defect."""
    turns = stopped = unknown = 0
    counted: Counter[Defect] = Counter()
    for answer in answers:
        turns += len(answer.turns)
        for number, turn in enumerate(answer.turns, 1):
            found = judge(turn, asked)
            stopped += turn.finish == "stop"
            if found.defects:
                counted.update(found.defects)
                defective.append(_defective(cell, answer, number, found))
            unknown += found.spoken is None and "empty" not in found.defects
    named = {name.replace("-", "_"): count for name, count in counted.items()}
    return TurnCounts(turns=turns, stopped=stopped, unknown_language=unknown, **named)


def _defective(cell: Cell, answer: Answer, number: int, found: Judged) -> DefectiveTurn:
    other = found.spoken if "other-language" in found.defects else None
    return DefectiveTurn(
        cell=cell.cell,
        language=answer.language,
        id=answer.id,
        sample=answer.sample,
        turn=number,
        defects=found.defects,
        spoken=UNSET if other is None else other,
    )


def judge(turn: AnswerTurn, asked: str) -> Judged:
    """What is the matter with a turn that was asked for in a language."""
    said = _said(turn.text, asked)
    return said if turn.finish != "length" else said._replace(defects=(*said.defects, "cut"))


@lru_cache(maxsize=4096)  # models of one mix often say the same
def _said(text: str, asked: str) -> Judged:
    """What is the matter with a text by itself, and its language."""
    language = spoken(text, asked)
    found: dict[Defect, bool] = {
        "other-language": language not in (None, asked),
        "repeated": is_repeated(text),
        "empty": not text.strip(),
    }
    return Judged(tuple(name for name, there in found.items() if there), language)


def spoken(text: str, asked: str) -> str | None:
    """The language of a text: the asked one in case of doubt, None when it cannot be told."""
    found = identified(_prose(text), asked, *_same(asked))
    if found is None:
        return None
    if found.claimed >= DOUBT:
        return asked
    return found.language if found.probability >= LIKELY else None


def _same(language: str) -> set[str]:
    return next((names for names in _ONE if language in names), {language})


def _prose(text: str) -> str:
    without = Text(_FORMULA.sub(" ", text)).prose
    return Text("\n".join(line for line in without if not _CODE_LINE.fullmatch(line))).plain(CHARACTERS)


def is_repeated(text: str) -> bool:
    """Whether a text goes round in circles."""
    tokens = _TOKEN.findall(text)
    if len(tokens) < FEWEST_TOKENS:
        return False
    grams = list(zip(*(tokens[start:] for start in range(_GRAM)), strict=False))
    return 1 - len(set(grams)) / len(grams) > REPEATED_SHARE
