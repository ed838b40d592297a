"""A small study whose answers have something the matter with them, each in a known place, and its page of answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from jobs.aggregate import job as aggregate
from jobs.report import job as report
from polyglot.core import records
from polyglot.kinds.answer import Answer, AnswerTurn
from polyglot.kinds.judge import Verdict
from polyglot.kinds.rows import Question, Reference
from tests.kit.fake_scores import FakeStudy, cells_of, contrast, fake_context, report_params, untuned, usual_ability
from tests.kit.folder_input import FolderInput

T = TypeVar("T")
LANGUAGES = ("EN", "DE", "AR")
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"> {{ 7 * 7 }} \u2028\u2029 \u202e & <b>bold</b>"
LONG = "x" * 6_000
PROSE = {
    "EN": "The answer depends on several things that one has to look at one after another, and the first is time. ",
    "DE": "Die Antwort hängt von mehreren Dingen ab, die man nacheinander ansehen muss, und das erste ist die Zeit. ",
    "AR": "تعتمد الإجابة على عدة أمور يجب النظر فيها واحدا تلو الآخر، وأولها هو الوقت المتاح لنا اليوم. ",
    "FR": "La réponse dépend de plusieurs choses qu'il faut regarder l'une après l'autre, et d'abord du temps. ",
    "IT": "La risposta dipende da diverse cose che bisogna guardare una dopo l'altra, e la prima è il tempo. ",
    "ES": "La respuesta depende de varias cosas que hay que mirar una tras otra, y la primera es el tiempo. ",
}
ENDE = "tiny/built-in/ENDE/s0"
TWICE = "tiny/built-in/ENDE/s1"  # which was asked everything twice
WRONG = "86"  # the question whose reference answer is known to be wrong
# what the cell ENDE says in German: question -> its first turn
PLANTED: Mapping[str, AnswerTurn] = {
    "82": AnswerTurn(text=PROSE["EN"], tokens=20, finish="eos"),
    "83": AnswerTurn(text="Ja, das ist so. " * 40, tokens=200, finish="eos"),
    "84": AnswerTurn(text=" \n", tokens=1, finish="eos"),
    "85": AnswerTurn(text=PROSE["DE"], tokens=1024, finish="length"),
    "86": AnswerTurn(text=HOSTILE, tokens=30, finish="eos"),
    "87": AnswerTurn(text=LONG, tokens=900, finish="eos"),
}
FAILED = "88"  # of it there is one turn


@dataclass(frozen=True, kw_only=True)
class Browsed:
    """Where the page is, and what it was made from."""

    folder: Path
    inputs: dict[str, FolderInput]

    def answers(self, cell: str, language: str) -> list[Answer]:
        """What a cell said."""
        return list(self.inputs[f"answers:{cell}"].lines(f"answers/{language}.jsonl", Answer))

    def verdicts(self, cell: str, language: str) -> list[Verdict]:
        """What the judge said of it."""
        return list(self.inputs[f"verdicts:{cell}"].lines(f"verdicts/{language}.jsonl", Verdict))


def browsed(root: Path) -> Browsed:
    """Write the study below `root`, and run its aggregate and its report."""
    made = FakeStudy(
        cells=(untuned(), *cells_of(("EN", "DE", "ENDE"), (0, 1))),
        contrasts=(contrast("parallel - mono best", "ENDE", "EN", "DE", on=LANGUAGES),),
        languages=LANGUAGES,
        ability=usual_ability,
        resamples=200,
        per_category=2,
        failed_share=0.02,
    ).write(root / "in")
    for role, source in made.inputs.items():
        if role.startswith("answers:"):
            _rewrite(source, "answers", Answer, lambda row, cell=role[8:]: _answer(cell, row))
        if role.startswith("verdicts:"):
            _rewrite(source, "verdicts", Verdict, lambda row, cell=role[9:]: _verdict(cell, row))
    _rewrite(made.inputs["questions"], "questions", Question, lambda row: [replace(row, turns=_asked(row))])
    folder = made.inputs["references"].root / "references"
    folder.mkdir()
    for language in LANGUAGES:
        rows = [
            Reference(id=identity, language=language, turns=(f"{PROSE[language]}{HOSTILE}", ""))
            for identity, _ in made.questions()
        ]
        records.write_lines(folder / f"{language}.jsonl", rows)
    counted = made.aggregate_params().model_copy(update={"wrong_references": (WRONG,)})
    aggregate.run(fake_context(counted, made.inputs, root / "aggregate"))
    inputs = made.inputs | {"aggregate": FolderInput(root / "aggregate" / "out", "a" * 64)}
    done = fake_context(report_params(study="browsed"), inputs, root)
    report.run(done)
    return Browsed(folder=done.out, inputs=inputs)


def _rewrite(source: FolderInput, folder: str, kind: type[T], change: Callable[[T], Sequence[T]]) -> None:
    for path in (source.root / folder).iterdir():
        rows = [changed for row in records.read_lines(path, kind) for changed in change(row)]
        records.write_lines(path, rows)  # type: ignore[arg-type]


def _asked(row: Question) -> tuple[str, str]:
    first = f"{PROSE[row.language]}({row.id})"
    return (f"{HOSTILE} {first}" if row.id == WRONG else first), PROSE[row.language]


def _answer(cell: str, row: Answer) -> list[Answer]:
    usual = replace(row.turns[0], text=f"{PROSE[row.language]}\n\n1. {row.id}\n2. {cell}")
    answer = replace(row, turns=(usual, replace(row.turns[1], text=PROSE[row.language])))
    if (cell, row.language) == (ENDE, "DE"):
        if row.id in PLANTED:
            answer = replace(answer, turns=(PLANTED[row.id], answer.turns[1]))
        if row.id == FAILED:
            answer = replace(answer, turns=answer.turns[:1], error="http-503")
    return [answer, replace(answer, sample=1)] if cell == TWICE else [answer]


def _verdict(cell: str, row: Verdict) -> list[Verdict]:
    hostile = f" {HOSTILE}" if row.id == WRONG else ""
    verdict = replace(row, text=f"The answer to {row.id} is of use.{hostile}\n\nRating: [[{row.score}]]")
    return [verdict, replace(verdict, sample=1)] if cell == TWICE else [verdict]
