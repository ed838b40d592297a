"""From a report's inputs to the files of the page; each cell's answers and verdicts are read once, cell by cell."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from jinja2 import Environment

from jobs.lib.context import Input, rows_of
from jobs.lib.stats.grid import Questions
from jobs.report.answers.cells import KINDS_OF_REFERENCES, Place, write_cell
from jobs.report.answers.index import DEFECTS, Index, IndexLanguage, IndexQuestion
from jobs.report.answers.pieces import QuestionPiece, as_script, write_pieces
from polyglot.kinds.aggregate import DefectiveTurn, RosterCell
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.report import Report
from polyglot.kinds.rows import Question, Reference

T = TypeVar("T", Question, Reference)

TEMPLATES = Path(__file__).parents[1] / "templates"
QUESTIONS_A_PIECE = 80
_PARTS = {"page.js": ("answers/page.js",), "page.css": ("style.css", "answers/page.css")}


def write_answers(report: Report, inputs: Mapping[str, Input], environment: Environment, out: Path) -> None:
    """Write answers.html and its folder into `out`; nothing where no answers are among the inputs."""
    cells = [cell for cell in report.roster if f"answers:{cell.trained}" in inputs]
    if not cells:
        return
    folder = out / "answers"
    folder.mkdir()
    languages = report.method.languages
    rows = {language: _by_id(inputs["questions"], f"questions/{language}.jsonl", Question) for language in languages}
    asked = Questions.read(row for by_id in rows.values() for row in by_id.values())
    defects = _defects(inputs["aggregate"])
    wrong = report.other_questions.wrong if report.other_questions else ()
    for language, by_id in rows.items():
        write_pieces(folder, f"questions-{language}", _questions(asked, by_id, language, inputs), QUESTIONS_A_PIECE)
    index = Index(
        study=report.study,
        part=QUESTIONS_A_PIECE,
        defects=tuple(DEFECTS.items()),
        languages=tuple(
            IndexLanguage.of(language, (by_id[one].turns[0] if one in by_id else "" for one in asked.ids))
            for language, by_id in rows.items()
        ),
        questions=tuple(
            IndexQuestion(identity, category, turns, identity in wrong)
            for identity, category, turns in zip(asked.ids, asked.categories, asked.turns, strict=True)
        ),
        cells=tuple(
            write_cell(number, cell, inputs, defects.get(cell.trained, {}), asked, languages, folder)
            for number, cell in enumerate(cells)
        ),
        first=_first(report, cells),
    )
    (folder / "index.js").write_bytes(as_script("index", index))
    for name, parts in _PARTS.items():
        text = "".join((TEMPLATES / part).read_text(encoding="utf-8") for part in parts)
        (folder / name).write_text(text, encoding="utf-8")
    page = environment.get_template("answers/page.html.j2").render(report=report)
    (out / "answers.html").write_text(page, encoding="utf-8")


def _questions(
    asked: Questions, by_id: Mapping[str, Question], language: str, inputs: Mapping[str, Input]
) -> list[QuestionPiece | None]:
    """The questions of a language with their references, in the order of the index."""
    published, native = (
        _by_id(inputs[role], f"references/{language}.jsonl", Reference) if role in inputs else {}
        for role in KINDS_OF_REFERENCES
    )

    def turns(found: Mapping[str, Reference], identity: str) -> tuple[str, ...]:
        return found[identity].turns if identity in found else ()

    return [
        QuestionPiece(by_id[one].turns, turns(published, one), turns(native, one)) if one in by_id else None
        for one in asked.ids
    ]


def _by_id(source: Input, name: str, kind: type[T]) -> dict[str, T]:
    return {row.id: row for row in rows_of(source, name, kind)}


def _defects(aggregate: Input) -> dict[str, dict[str, dict[Place, DefectiveTurn]]]:
    """By cell, then by language."""
    found: dict[str, dict[str, dict[Place, DefectiveTurn]]] = {}
    for row in rows_of(aggregate, "defects.jsonl", DefectiveTurn):
        found.setdefault(row.cell, {}).setdefault(row.language, {})[row.id, row.sample, row.turn] = row
    return found


def _first(report: Report, cells: Sequence[RosterCell]) -> tuple[int, int]:
    """The two sides of the report's first comparison; without one, the last cell and the first."""
    numbers: dict[ArmKey, int] = {}
    for number, cell in enumerate(cells):
        numbers.setdefault(cell.arm_key, number)
    for contrast in report.contrasts:
        if contrast.treatment[0] in numbers and contrast.control[0] in numbers:
            return numbers[contrast.treatment[0]], numbers[contrast.control[0]]
    return len(cells) - 1, 0
