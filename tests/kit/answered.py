"""A study whose questions and answers are in the store, with texts that tell whose they are."""

from pathlib import Path

from polyglot.cli.session import Session
from polyglot.core import records
from polyglot.core.stage import PlannedStage
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.answer import Answer, AnswerTurn
from polyglot.kinds.rows import Question
from tests.kit.desk import Desk
from tests.kit.stages import commit

CATEGORIES = ("writing", "math", "coding", "stem")
MARKUP = "</script><script>document.title = 'owned'</script>"
LACKING = ("84", "DE")  # a question that the mix did not answer in a language


def answered(desk: Desk, session: Session, *, per_category: int = 3) -> list[str]:
    """Commit questions 81 upwards, and an answer of every cell to each; return the questions' ids."""
    stage = next(one.stage for one in session.plan if one.stage.kind == AggregateParams.kind)
    params = AggregateParams.of(stage)
    by_key = session.plan.by_key
    ids = [str(81 + number) for number in range(per_category * len(CATEGORIES))]
    out = desk.root / "answered"
    for language in params.languages:
        rows = [
            Question(
                id=identity,
                language=language,
                category=CATEGORIES[number % len(CATEGORIES)],
                turns=(f"{language} question {identity} {MARKUP}", f"{language} again {identity}"),
            )
            for number, identity in enumerate(ids)
        ]
        _write(out / "questions" / "questions" / f"{language}.jsonl", rows)
    _commit(desk, by_key[stage.inputs["questions"]], out / "questions")
    for number, cell in enumerate(params.cells):
        folder = out / str(number)
        for language in params.languages:
            answers = [
                Answer(
                    id=identity,
                    language=language,
                    category=CATEGORIES[place % len(CATEGORIES)],
                    turns=tuple(
                        AnswerTurn(text=f"voice{number} {language} {identity} turn {turn}", tokens=3, finish="eos")
                        for turn in (1, 2)
                    )[: 1 if (identity, language) == LACKING and cell.mix else 2],
                )
                for place, identity in enumerate(ids)
            ]
            _write(folder / "answers" / f"{language}.jsonl", answers)
        _commit(desk, by_key[stage.inputs[f"answers:{cell.cell}"]], folder)
    return ids


def _commit(desk: Desk, planned: PlannedStage, folder: Path) -> None:
    """Its own inputs are not there: nobody reads them here."""
    commit(desk.store, planned.stage, folder, inputs=dict.fromkeys(planned.stage.inputs, "0" * 64))


def _write(path: Path, rows: list[Question] | list[Answer]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    records.write_lines(path, rows)
