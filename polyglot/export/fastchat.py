"""Answers, verdicts and comparisons as FastChat's llm_judge has them: a `data/mt_bench` for each language.

    data/mt_bench_<LANG>/question.jsonl
                         model_answer/<model>.jsonl
                         reference_answer/<judge>.jsonl
                         model_judgment/<judge>_single.jsonl, <judge>_pair.jsonl, <judge>_votes.json

A model is a cell, by its name with "_" for "/"; a judge is called by its model (two of a panel with one model by their
own names too). A verdict that failed has score -1, an order that failed the winner
"error"; "both-bad" is a tie, as FastChat has no word for it. The prompt that a judge was shown is not kept, and so
`user_prompt` is empty. Votes are those of the pairs that have a verdict, as compute_agreement reads them. Comparisons
of others that tell no orders are votes alone: a game that nobody saw is not written.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.stage import PlannedStage
from polyglot.exchange.rows import (
    ERROR_TEXT,
    FAILED_SCORE,
    TURNED,
    Choice,
    ModelAnswer,
    PairJudgment,
    QuestionRow,
    SingleJudgment,
    Vote,
    Winner,
)
from polyglot.exchange.write import file_name, question_id, write_rows
from polyglot.export.selection import Wanted
from polyglot.export.tables import cells_of, models_of, pairs_of
from polyglot.export.taken import Taken, taken_of
from polyglot.kinds.answer import Answer
from polyglot.kinds.cells import Cell
from polyglot.kinds.compare import CompareCard, OrderVerdict, PairVerdict
from polyglot.kinds.judge import JudgeCard, Verdict
from polyglot.kinds.rows import Reference
from polyglot.plan.plan import Plan
from polyglot.store.store import Store

_SAID: dict[str | None, Winner] = {"A": "model_1", "B": "model_2", "tie": "tie", "both-bad": "tie", None: "error"}
_VOTED = {"model_1": "model_a", "model_2": "model_b", "tie": "tie"}


def write_answers(store: Store, plan: Plan, wanted: Sequence[Wanted], to: Path) -> Iterator[Path]:
    """Write the answers of some cells, and yield each folder. Raises as `write_rows`, and NotComputed."""
    with taken_of(store, plan, to) as taken:
        for language in taken.languages(wanted):
            folder = _folder(taken, wanted, language, to)
            for one in wanted:
                name = file_name(one.name)
                write_rows(folder / "model_answer" / f"{name}.jsonl", _answers(taken, one, name, language))
            yield folder


def write_verdicts(store: Store, plan: Plan, wanted: Sequence[Wanted], to: Path) -> Iterator[Path]:
    """Write the verdicts on some cells, a file for each judge, and yield each folder. Raises as `write_answers`."""
    cells = cells_of(plan)
    models = models_of(plan)
    with taken_of(store, plan, to) as taken:
        asked = {one.name: (taken.card(one.planned, JudgeCard).model, _member(cells, one.name)) for one in wanted}
        for language in taken.languages(wanted):
            folder = _folder(taken, wanted, language, to)
            judges: dict[str, list[SingleJudgment]] = {}
            for one in wanted:
                judge, model = judge_name(asked, one.name), file_name(models.get(one.name, one.name))
                judges.setdefault(judge, []).extend(_verdicts(taken, one, model, judge, language))
            for judge, rows in judges.items():
                write_rows(folder / "model_judgment" / f"{file_name(judge)}_single.jsonl", rows)
                _write_references(taken, wanted[0].planned, judge, language, folder)
            yield folder


def write_comparisons(store: Store, plan: Plan, wanted: Sequence[Wanted], to: Path) -> Iterator[Path]:
    """Write comparisons, and the votes that they come to, and yield each folder. Raises as `write_answers`."""
    cells, pairs, models = cells_of(plan), pairs_of(plan), models_of(plan)
    with taken_of(store, plan, to) as taken:
        asked = {
            one.name: (taken.card(one.planned, CompareCard).model, _member(cells, pairs[one.name].first))
            for one in wanted
        }
        for language in taken.languages(wanted):
            folder = _folder(taken, wanted, language, to)
            judges: dict[str, list[PairJudgment | Vote]] = {}
            for one in wanted:
                judge, pair = judge_name(asked, one.name), pairs[one.name]
                named = tuple(file_name(models.get(cell, cell)) for cell in (pair.first, pair.second))
                judges.setdefault(judge, []).extend(_pairs(taken, one, named, judge, language))
            for judge, rows in judges.items():
                to_judge = folder / "model_judgment" / file_name(judge)
                games = [row for row in rows if isinstance(row, PairJudgment)]
                if games:
                    write_rows(to_judge.with_name(f"{to_judge.name}_pair.jsonl"), games)
                write_rows(to_judge.with_name(f"{to_judge.name}_votes.json"), _votes(rows))
                _write_references(taken, wanted[0].planned, judge, language, folder)
            yield folder


Writer = Callable[[Store, Plan, Sequence[Wanted], Path], Iterator[Path]]
WRITERS: dict[str, Writer] = {
    "answers": write_answers,
    "verdicts": write_verdicts,
    "comparisons": write_comparisons,
}


def _member(cells: Mapping[str, Cell], name: str) -> str:
    """Who of a panel judges a cell; "" for the study's judge, and for all of them together."""
    cell = cells.get(name)
    return (cell.judge or "") if cell else ""


def judge_name(asked: Mapping[str, tuple[str, str]], name: str) -> str:
    """What a judge is called: its model, and its own name of the panel behind it where another judge is of that too.

    `asked` has for each name what is wanted: the model, and who of the panel it is.
    """
    model, member = asked[name]
    alone = all(other == member for also, other in asked.values() if also == model)
    return model if alone or not member else f"{model}-{member}"


def _folder(taken: Taken, wanted: Sequence[Wanted], language: str, to: Path) -> Path:
    """The folder of a language, with what was asked."""
    folder = to / "data" / f"mt_bench_{language}"
    asked = taken.questions(wanted[0].planned, language).values()
    rows: list[Record] = [
        QuestionRow(question_id=question_id(row.id), category=row.category, turns=row.turns) for row in asked
    ]
    write_rows(folder / "question.jsonl", rows)
    return folder


def _write_references(taken: Taken, planned: PlannedStage, judge: str, language: str, folder: Path) -> None:
    """What the judge was shown, by its name: there FastChat looks for it."""
    source = taken.input(planned, "references")
    rows = [] if source is None else list(taken.rows(source, "references/", language, Reference))
    if source is None or not rows:
        return
    path = folder / "reference_answer" / f"{file_name(judge)}.jsonl"
    write_rows(
        path,
        [
            ModelAnswer(
                question_id=question_id(row.id),
                answer_id=f"{source.key[:12]}-{row.id}",
                model_id=file_name(judge),
                choices=(Choice(index=0, turns=row.turns),),
                stage=source.key,
            )
            for row in rows
        ],
    )


def _answers(taken: Taken, one: Wanted, name: str, language: str) -> Iterator[ModelAnswer]:
    """A row a question, with all its samples."""
    asked = taken.questions(one.planned, language)
    by_question: dict[str, list[Answer]] = {}
    for answer in taken.rows(one.planned, one.folder, language, Answer):
        by_question.setdefault(answer.id, []).append(answer)
    for identity, samples in by_question.items():
        count = len(asked[identity].turns) if identity in asked else 0
        yield ModelAnswer(
            question_id=question_id(identity),
            answer_id=f"{one.planned.key[:12]}-{identity}",
            model_id=name,
            choices=tuple(Choice(index=answer.sample, turns=_texts(answer, count)) for answer in samples),
            stage=one.planned.key,
        )


def _texts(answer: Answer, count: int) -> tuple[str, ...]:
    said = tuple(turn.text for turn in answer.turns)
    return said + (ERROR_TEXT,) * (count - len(said))


def _choice(sample: int) -> int | UnsetType:
    return sample or UNSET


def _verdicts(taken: Taken, one: Wanted, model: str, judge: str, language: str) -> Iterator[SingleJudgment]:
    for row in taken.rows(one.planned, one.folder, language, Verdict):
        yield SingleJudgment(
            question_id=question_id(row.id),
            model=model,
            judge=(judge, row.prompt or ""),
            score=FAILED_SCORE if row.score is None else row.score,
            turn=row.turn,
            judgment=row.text or (row.reason or ""),
            choice=_choice(row.sample),
            stage=one.planned.key,
        )


def _pairs(
    taken: Taken, one: Wanted, models: Sequence[str], judge: str, language: str
) -> Iterator[PairJudgment | Vote]:
    nobody = OrderVerdict(said=None)
    for row in taken.rows(one.planned, one.folder, language, PairVerdict):
        if row.outcome is not None and not row.orders:
            yield Vote(
                judge=(judge, row.prompt or ""),
                model_a=models[0],
                model_b=models[1],
                question_id=question_id(row.id),
                turn=row.turn,
                winner={"first": "model_a", "second": "model_b"}.get(row.outcome, "tie"),
                stage=one.planned.key,
            )
            continue
        first, second = row.orders or (nobody, nobody)
        yield PairJudgment(
            question_id=question_id(row.id),
            model_1=models[0],
            model_2=models[1],
            g1_winner=_SAID[first.said],
            g2_winner=TURNED[_SAID[second.said]],
            judge=(judge, row.prompt or ""),
            turn=row.turn,
            g1_judgment=first.text or (first.reason or row.reason or ""),
            g2_judgment=second.text or (second.reason or row.reason or ""),
            choice=_choice(row.sample),
            stage=one.planned.key,
        )


def _votes(rows: Sequence[PairJudgment | Vote]) -> Iterator[Vote]:
    """What compute_agreement reads: it takes one vote of a judge on a pair, so that of the first sample."""
    for row in rows:
        if isinstance(row, Vote):
            yield row
        elif not row.failure and row.choice is UNSET:
            yield Vote(
                judge=row.judge,
                model_a=row.model_1,
                model_b=row.model_2,
                question_id=row.question_id,
                turn=row.turn,
                winner="tie (inconsistent)" if row.inconsistent else _VOTED[row.winner],
                stage=row.stage,
            )
