"""New answers beside those of the baseline: digests first, then what tonight's judge gives them."""

from dataclasses import dataclass

from msgspec.structs import replace

from jobs.drift.bets import Book, bet
from jobs.drift.items import DIGITS, Beside, History, Scored, beside
from jobs.drift.judge import mean, names_of, strangers, union
from jobs.lib.context import Context, Input, rows_of
from polyglot.core import records
from polyglot.core.canonical import sha256_file
from polyglot.core.errors import Missing
from polyglot.core.records import UNSET
from polyglot.kinds.answer import AnswerCard
from polyglot.kinds.drift import CellDrift, CellState, DriftParams, Finding, Then, environment_of, then_of
from polyglot.kinds.judge import Verdict

_CPU = "device cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellNight:
    """One cell tonight. `certain` was found without a judge; else `book` weighs the scores of answers that differ."""

    cell: str
    tonight: Then
    served_by: tuple[str, ...]
    fingerprints: tuple[str, ...]
    then: CellState | None  # None: nothing is known of before
    differ: tuple[str, ...]
    equal_expected: bool
    certain: Finding | None
    lost: bool  # what its baseline's answers got is in the store no more
    history: History
    scored: Scored
    difference: float | None
    book: Book | None

    @property
    def asked(self) -> bool:
        """Whether it is a model behind an endpoint."""
        return not self.tonight.model

    def figures(self) -> CellDrift:
        """For the record."""
        then = self.then.then if self.then else None
        return CellDrift(
            cell=self.cell,
            differ=self.differ,
            equal_expected=self.equal_expected,
            model_changed=bool(then and then.model != self.tonight.model),
            environment_changed=bool(then and then.environment != self.tonight.environment),
            served_by=self.served_by,
            difference=self.difference,
            evidence=None if self.book is None else round(self.book.evidence, DIGITS),
        )

    def kept(self, *, fresh: bool) -> CellState:
        """For the state; `fresh`: its baseline begins tonight."""
        if fresh or self.lost or self.then is None:
            return CellState(
                then=self.tonight, served_by=self.served_by, fingerprints=self.fingerprints, items=(), bets=None
            )
        then = replace(self.then, served_by=union(self.then.served_by, self.served_by))
        if self.book is None:
            return then
        self.history.add(self.scored)
        return replace(then, items=self.history.rows(), bets=self.book.kept())


def see_cell(context: Context, params: DriftParams, cell: str, then: CellState | None, *, night: int) -> CellNight:
    """Compare one cell's answers and their scores with those of its baseline."""
    answers, verdicts = context.inputs[f"answers:{cell}"], context.inputs[f"verdicts:{cell}"]
    card = answers.read("card.json", AnswerCard)
    tonight = _tonight(answers, verdicts, params.languages)
    served, fingerprints = names_of([card])
    old = then.then if then else tonight
    differ = tuple(one for one, digest in tonight.answers.items() if old.answers.get(one) != digest)
    repeats = card.endpoint is UNSET and _CPU in tonight.environment
    certain = _certain(params.night, cell, then, tonight, served, repeats=repeats) if differ and then else None
    history, scored, book, lost = History(), Scored(), None, False
    rows: list[Beside] = []
    if then is not None and differ and certain is None:
        baseline = History.read(then.items) if then.items else _baseline(context, cell, old)
        lost, history = baseline is None, baseline or History()
        for language in params.languages:
            scored.add_questions(cell, rows_of(verdicts, f"verdicts/{language}.jsonl", Verdict))
        rows = beside(history, scored)
        book = bet(then.bets, history, rows, params.languages, night=night, horizon=params.horizon)
    return CellNight(
        cell=cell,
        tonight=tonight,
        served_by=served,
        fingerprints=fingerprints,
        then=then,
        differ=differ,
        equal_expected=repeats,
        certain=certain,
        lost=lost,
        history=history,
        scored=scored,
        difference=mean(row.difference for row in rows),
        book=book,
    )


def _tonight(answers: Input, verdicts: Input, languages: tuple[str, ...]) -> Then:
    def digests(source: Input, folder: str) -> dict[str, str]:
        there = set(source.names())
        names = ["card.json", *(f"{folder}/{language}.jsonl" for language in languages)]
        return {name: sha256_file(source.path(name)) for name in names if name in there}

    return then_of(
        digests(answers, "answers"),
        digests(verdicts, "verdicts"),
        model=answers.results_read.get("model", ""),
        environment=environment_of(answers.execution, answers.metrics),
    )


def _baseline(context: Context, cell: str, then: Then) -> History | None:
    """What the baseline's answers got; None where the store has it no more."""
    history, scored = History(), Scored()
    try:
        for digest in then.verdicts.values():
            scored.add_questions(cell, records.read_lines(context.blob(digest), Verdict))
    except Missing as error:
        context.log.warning("%s: its baseline is gone, and begins anew: %s", cell, error)
        return None
    history.add(scored)
    return history


def _certain(
    night: str, cell: str, then: CellState, tonight: Then, served: tuple[str, ...], *, repeats: bool
) -> Finding | None:
    """What the digests say of answers that differ, without any judge; None where they say nothing."""
    old = then.then
    if old.model != tonight.model:
        says = f"{cell} answers with other weights ({old.model[:12]} before, {tonight.model[:12]} now)"
        return Finding(verdict="model", since=night, says=says)
    if strangers(served, then.served_by):
        says = f"{cell} is answered by {', '.join(served)}, {', '.join(then.served_by)} before"
        return Finding(verdict="model", since=night, says=says)
    if tonight.model and old.environment != tonight.environment:
        says = f"{cell} answers otherwise with the same weights, computed on {tonight.environment}"
        return Finding(verdict="serving", since=night, says=f"{says}; {old.environment or 'not known'} before")
    if repeats:
        says = f"{cell} answers otherwise with the same weights, where its computation repeats itself"
        return Finding(verdict="serving", since=night, says=says)
    return None
