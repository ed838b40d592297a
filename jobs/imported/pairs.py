"""Comparisons that others made of two models' answers, in the form that `compare` has them.

FastChat's pair judgments have both orders, a row a turn (or, with turn 0, a row a conversation). AlpacaEval's
annotations have one preference, whose order nobody knows: their verdicts have no `orders`, and no `consistent`. They
name no question but quote it, and the outputs: only those count whose outputs are the answers that were read.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from jobs.imported.files import MISSING, asked, file_of, local, one_judge, tell, write_record
from jobs.lib.context import Context
from jobs.lib.judging.orders import counted, settle
from polyglot.core import records
from polyglot.core.line import one_line
from polyglot.core.records import UNSET
from polyglot.exchange.choose import Compared, Rating, compared_in, read_comparisons
from polyglot.exchange.read import Numbered
from polyglot.exchange.rows import SAID, TURNED, Annotation, PairJudgment, Winner
from polyglot.kinds.answer import Answer, AnswerCard, Place, texts_by_place
from polyglot.kinds.compare import CompareCard, OrderVerdict, Outcome, PairVerdict
from polyglot.kinds.imported import FROM_FILES, ImportedFile, ImportedParams, ImportRecord
from polyglot.kinds.people import WHOLE
from polyglot.kinds.rows import Question

_OUTCOMES: Mapping[Winner, Outcome | None] = {"model_1": "first", "model_2": "second", "tie": "tie", "error": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What was asked in one language and what both models answered; `names` are theirs in files."""

    names: tuple[str, str]
    questions: Mapping[str, Question]
    texts: tuple[Mapping[Place, str], Mapping[Place, str]]
    samples: Mapping[str, tuple[int, ...]]  # of each question, that either model has

    def answered(self, question: Question, sample: int, turn: int) -> tuple[int, int] | None:
        """The characters of both answers to a turn, or a conversation; None where one lacks a turn."""
        turns = range(1, len(question.turns) + 1) if turn == WHOLE else (turn,)
        places = [(question.id, sample, number) for number in turns]
        if not all(place in side for side in self.texts for place in places):
            return None
        first, second = (sum(len(side[place]) for place in places) for side in self.texts)
        return first, second


def read_pairs(context: Context, params: ImportedParams) -> None:
    """Read every file, write its comparisons. Raises Permanent as the other imports, and where there are none."""
    names = _name(context, "first"), _name(context, "second")
    files: dict[str, ImportedFile] = {}
    judges, counts = dict[str, str](), {}
    (context.out / "comparisons").mkdir()
    for language in params.languages:
        file, beside = params.files[language], _beside(context, language, names)
        found = compared_in(read_comparisons(local(file, context), file.name), *beside.names)
        judges[language] = found.judge
        placed, strange = _placed(found, beside)
        tell(context, (*found.chosen.told, *(f"{file.name}, {line}" for line in strange)))
        pairs = list(_pairs(language, beside, placed))
        records.write_lines(context.out / "comparisons" / f"{language}.jsonl", pairs)
        counts[language] = counted(pairs)
        used = {(one.id, one.sample, one.turn) for one in pairs} & placed.keys()
        unused = len({one.row.identity for one in found.chosen.rows}) - len(used)
        files[language] = file_of(file, found.chosen, sum(one.reason == MISSING for one in pairs), unused)
    judge = one_judge(judges, "a pair")
    card = CompareCard(endpoint=FROM_FILES, model=judge, served_by=(), languages=counts)
    (context.out / "card.json").write_bytes(records.to_json(card) + b"\n")
    for name in ("verdicts", "failed", "inconsistent"):
        context.metrics[name] = sum(getattr(entry, name) for entry in counts.values())
    write_record(context, ImportRecord(what=params.what, judge=judge, files=files))


def _name(context: Context, role: str) -> str:
    """What the files call a model; its import has said so."""
    name = context.inputs[role].read("card.json", AnswerCard).model
    return "" if name is UNSET else name


def _beside(context: Context, language: str, names: tuple[str, str]) -> _Beside:
    rows = [list(context.inputs[role].lines(f"answers/{language}.jsonl", Answer)) for role in ("first", "second")]
    samples: dict[str, set[int]] = {}
    for answer in (*rows[0], *rows[1]):
        samples.setdefault(answer.id, set()).add(answer.sample)
    return _Beside(
        names=names,
        questions=asked(context, language),
        texts=(texts_by_place(rows[0]), texts_by_place(rows[1])),
        samples={identity: tuple(sorted(found)) for identity, found in samples.items()},
    )


def _placed(found: Compared, beside: _Beside) -> tuple[dict[Rating, PairJudgment | Annotation], list[str]]:
    """The rows by question, sample and turn, the last one of each; and a line for each that is on something else."""
    placed, strange = dict[Rating, PairJudgment | Annotation](), list[str]()
    quoted = _quoted(beside.questions.values())
    for one in found.chosen.rows:
        place = _place(one, beside, quoted)
        if isinstance(place, str):
            strange.append(f"{one.at}: {place}")
        else:
            placed[place] = one.row
    return placed, strange


def _place(
    one: Numbered[PairJudgment | Annotation], beside: _Beside, quoted: Mapping[str, list[tuple[str, int]]]
) -> Rating | str:
    """Where a row belongs; or why it belongs nowhere, in words."""
    row = one.row
    if isinstance(row, PairJudgment):
        identity = str(row.question_id)
        question = beside.questions.get(identity)
        if question is None:
            return f"no question {identity} in the benchmark"
        if row.turn > len(question.turns):
            return f"question {identity} has no turn {row.turn}"
        return identity, row.sample, row.turn
    known = [(name, turn) for name, turn in quoted.get(row.instruction, ()) if row.turn in (turn, UNSET)]
    if not known:
        return f"no such question in the benchmark: {one_line(row.instruction, 60)}"
    outputs = (row.output_1, row.output_2)
    wanted = outputs if row.model_1 == beside.names[0] else outputs[::-1]
    for identity, turn in known:
        for sample in beside.samples.get(identity, ()):
            place = (identity, sample, turn)
            if wanted == (beside.texts[0].get(place), beside.texts[1].get(place)):
                return place
    return f"question {known[0][0]}: other outputs than the answers that were read"


def _quoted(questions: Iterable[Question]) -> dict[str, list[tuple[str, int]]]:
    """The turns by what the user had said until then, a blank line between the turns."""
    found: dict[str, list[tuple[str, int]]] = {}
    for question in questions:
        for turn in range(1, len(question.turns) + 1):
            found.setdefault("\n\n".join(question.turns[:turn]), []).append((question.id, turn))
    return found


def _pairs(language: str, beside: _Beside, placed: Mapping[Rating, PairJudgment | Annotation]) -> Iterator[PairVerdict]:
    """One for each turn of each question; of a file of whole conversations one for each question."""
    whole = any(turn == WHOLE for _, _, turn in placed)
    for question in beside.questions.values():
        for sample in beside.samples.get(question.id, (0,)):
            for turn in (WHOLE,) if whole else range(1, len(question.turns) + 1):
                characters = beside.answered(question, sample, turn)
                row = placed.get((question.id, sample, turn))
                turned = row is not None and row.model_1 != beside.names[0]
                said = _Said(reason="no-answer") if characters is None else _said(row, turned=turned)
                yield PairVerdict(
                    id=question.id,
                    language=language,
                    category=question.category,
                    sample=sample,
                    turn=turn,
                    outcome=said.outcome,
                    consistent=said.consistent,
                    reason=said.reason,
                    prompt=None if characters is None else _prompt(row),
                    orders=said.orders,
                    characters=characters or (0, 0),
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a row says of the two answers, the first model's named first."""

    outcome: Outcome | None = None
    consistent: bool | None = None
    reason: str | None = None
    orders: tuple[OrderVerdict, ...] = ()


def _said(row: PairJudgment | Annotation | None, *, turned: bool) -> _Said:
    """`turned`: the row names our second model first."""
    if isinstance(row, Annotation):
        outcome = _OUTCOMES[TURNED[row.winner] if turned else row.winner]
        return _Said(outcome=outcome, reason=None if outcome is not None else "no-verdict")
    orders: tuple[OrderVerdict, ...]
    if row is None:
        orders = (OrderVerdict(said=None, reason=MISSING),) * 2
    else:  # the first game has the row's first model as A, the second one its second model
        slots = (SAID[row.g1_winner], SAID[TURNED[row.g2_winner]])
        games = tuple(
            OrderVerdict(said=slot, reason=None if slot is not None else "no-verdict", text=text)
            for slot, text in zip(slots, (row.g1_judgment, row.g2_judgment), strict=True)
        )
        orders = games[::-1] if turned else games
    outcome, consistent, reason = settle(orders)
    return _Said(outcome=outcome, consistent=consistent, reason=reason, orders=orders)


def _prompt(row: PairJudgment | Annotation | None) -> str | None:
    """The name of the prompt that the judge was shown, where the row says it."""
    if not isinstance(row, PairJudgment) or isinstance(row.judge, str) or len(row.judge) < 2:
        return None
    return row.judge[1]
