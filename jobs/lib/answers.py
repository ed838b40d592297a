"""Answers to a benchmark as files, whoever gave them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from jobs.lib.context import Context
from polyglot.core import records
from polyglot.core.records import UNSET, UnsetType
from polyglot.kinds.answer import Answer, AnswerCard, AnswerCounts, AnswerTurn
from polyglot.kinds.rows import Question


def answer_to(
    question: Question,
    sample: int,
    turns: Sequence[AnswerTurn],
    error: str | None,
    batching: str | UnsetType = UNSET,
) -> Answer:
    """The line of answers/<LANG>.jsonl."""
    return Answer(
        id=question.id,
        language=question.language,
        category=question.category,
        sample=sample,
        turns=tuple(turns),
        error=error,
        batching=batching,
    )


def write_answers(context: Context, languages: Sequence[str], answers: Iterable[Answer], **card: Any) -> None:
    """Write the answers of each language, and the card that counts them with what else is to stand in it."""
    by_language: dict[str, list[Answer]] = {language: [] for language in languages}
    for answer in answers:
        by_language[answer.language].append(answer)
    (context.out / "answers").mkdir()
    for language, mine in by_language.items():
        records.write_lines(context.out / "answers" / f"{language}.jsonl", mine)
    counts = {language: _counted(mine) for language, mine in by_language.items()}
    (context.out / "card.json").write_bytes(records.to_json(AnswerCard(languages=counts, **card)) + b"\n")
    context.metrics |= {
        "questions": sum(count.questions for count in counts.values()),
        "failed": sum(count.failed for count in counts.values()),
        "turns": sum(count.turns for count in counts.values()),
        "cut": sum(count.cut for count in counts.values()),
        "stopped": sum(count.stopped or 0 for count in counts.values()),
        "tokens": sum(count.tokens for count in counts.values()),
        "cut_share": {language: count.cut_share for language, count in counts.items()},
    }


def _counted(answers: Sequence[Answer]) -> AnswerCounts:
    turns = [turn for answer in answers for turn in answer.turns]
    finishes = Counter(turn.finish for turn in turns)
    cut = finishes["length"]
    return AnswerCounts(
        questions=len(answers),
        failed=sum(answer.error is not None for answer in answers),
        turns=len(turns),
        cut=cut,
        cut_share=cut / len(turns) if turns else 0.0,
        stopped=finishes["stop"],
        ended=dict(Counter("eos" if turn.end is UNSET else turn.end for turn in turns if turn.finish == "eos")),
        tokens=sum(turn.tokens for turn in turns),
    )
