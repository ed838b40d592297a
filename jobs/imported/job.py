"""The job of what others made: answers of one model, or verdicts on them, in the form that a study's own cells have.

Reads `questions`, files of the store or by their addresses and, for verdicts, `answers`, for pairs (see `pairs`) those
of two models, `first` and `second`; writes answers/<LANG>.jsonl, verdicts/<LANG>.jsonl or comparisons/<LANG>.jsonl,
card.json as `answer`, `judge` or `compare` write it, and import.json. What a file lacks is a record with
the reason "not-in-file"; a rating that failed has "no-verdict", one off the scale "out-of-range". Rows on what the
benchmark has not are counted, and left out. Every repeat and failure of a file is told in the log.
"""

from collections.abc import Iterator, Mapping

from jobs.imported.files import MISSING, asked, file_of, local, one_judge, tell, write_record
from jobs.imported.pairs import read_pairs
from jobs.lib.answers import answer_to, write_answers
from jobs.lib.context import Context
from jobs.lib.judging.counting import counted
from jobs.lib.judging.verdict import HIGHEST, LOWEST
from polyglot.core import records
from polyglot.core.errors import Permanent
from polyglot.exchange.choose import Answered, Rated, Rating, answers_of, ratings_of
from polyglot.exchange.rows import ERROR_TEXT, SingleJudgment
from polyglot.kinds.answer import Answer, AnswerTurn
from polyglot.kinds.imported import FROM_FILES, ImportedFile, ImportedParams, ImportRecord
from polyglot.kinds.judge import JudgeCard, Verdict
from polyglot.kinds.rows import Question


def run(context: Context) -> None:
    """Read every file, write what it says. Raises Permanent for a file of another form or of another benchmark."""
    params = ImportedParams.of(context.stage)
    {"answers": _read_answers, "verdicts": _read_verdicts, "pairs": read_pairs}[params.what](context, params)


def _read_answers(context: Context, params: ImportedParams) -> None:
    answers: list[Answer] = []
    files: dict[str, ImportedFile] = {}
    for language in params.languages:
        file, questions = params.files[language], asked(context, language)
        found = answers_of(local(file, context), file.name, params.model)
        tell(context, found.chosen.told)
        mine = [answer for question in questions.values() for answer in _answers_to(question, found, file.name)]
        answers += mine
        known = sum(identity in questions for identity in found.by_question)
        files[language] = file_of(file, found.chosen, len(questions) - known, len(found.by_question) - known)
    write_answers(context, params.languages, answers, endpoint=FROM_FILES, model=_one(params, files))
    write_record(context, ImportRecord(what=params.what, judge=None, files=files))


def _answers_to(question: Question, found: Answered, name: str) -> Iterator[Answer]:
    """The model's answers to one question, a sample each."""
    row = found.by_question.get(question.id)
    if row is None:
        yield answer_to(question, 0, (), MISSING)
        return
    for choice in sorted(row.choices, key=lambda choice: choice.index):
        texts = choice.turns[: choice.turns.index(ERROR_TEXT)] if ERROR_TEXT in choice.turns else choice.turns
        if len(texts) > len(question.turns):
            raise Permanent(
                f"{name}: question {question.id}: got {len(texts)} turns, expected {len(question.turns)}: "
                "it answers another benchmark"
            )
        turns = [AnswerTurn(text=text, tokens=0, finish="read") for text in texts]
        yield answer_to(question, choice.index, turns, None if len(turns) == len(question.turns) else "no-answer")


def _read_verdicts(context: Context, params: ImportedParams) -> None:
    files: dict[str, ImportedFile] = {}
    judges: dict[str, str] = {}
    counts = {}
    (context.out / "verdicts").mkdir()
    for language in params.languages:
        file, questions = params.files[language], asked(context, language)
        found = ratings_of(local(file, context), file.name, params.model)
        tell(context, found.chosen.told)
        judges[language] = found.judge
        answers = context.inputs["answers"].lines(f"answers/{language}.jsonl", Answer)
        verdicts = [one for answer in answers for one in _verdicts_on(answer, questions[answer.id], found)]
        records.write_lines(context.out / "verdicts" / f"{language}.jsonl", verdicts)
        counts[language] = counted(verdicts)
        missing = sum(one.reason == MISSING for one in verdicts)
        used = {(one.id, one.sample, one.turn) for one in verdicts}
        files[language] = file_of(file, found.chosen, missing, sum(place not in used for place in found.by_turn))
    judge = one_judge(judges, "a cell")
    _one(params, files)
    card = JudgeCard(endpoint=FROM_FILES, model=judge, served_by=(), languages=counts)
    (context.out / "card.json").write_bytes(records.to_json(card) + b"\n")
    context.metrics["verdicts"] = sum(entry.verdicts for entry in counts.values())
    context.metrics["failed"] = sum(entry.failed for entry in counts.values())
    write_record(context, ImportRecord(what=params.what, judge=judge, files=files))


def _verdicts_on(answer: Answer, question: Question, found: Rated) -> Iterator[Verdict]:
    """One for each turn that the question has; a turn that was not answered has none, whatever its text was given."""
    for turn in range(1, len(question.turns) + 1):
        place: Rating = (answer.id, answer.sample, turn)
        row = found.by_turn.get(place)
        reason = "no-answer" if turn > len(answer.turns) else _reason(row)
        yield Verdict(
            id=answer.id,
            language=answer.language,
            category=answer.category,
            sample=answer.sample,
            turn=turn,
            score=None if row is None or reason else row.score,
            reason=reason,
            prompt=None if row is None or isinstance(row.judge, str) or len(row.judge) < 2 else row.judge[1],
            text="" if row is None else row.judgment,
        )


def _reason(row: SingleJudgment | None) -> str | None:
    if row is None:
        return MISSING
    if row.failure or row.score is None:
        return "no-verdict"
    return None if LOWEST <= row.score <= HIGHEST else "out-of-range"


def _one(params: ImportedParams, files: Mapping[str, ImportedFile]) -> str:
    """The model's name, which is one in all languages. Raises Permanent."""
    names = {language: file.model for language, file in files.items()}
    if len(set(names.values())) > 1:
        said = ", ".join(f"{language} {name}" for language, name in names.items())
        raise Permanent(f"one model has all languages of a cell: got {said}. Name it as `model`")
    return names[params.languages[0]]
