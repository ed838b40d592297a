"""What is to be rated: one target for every question, sample and turn of every language, with its request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jobs.lib.chat.calls import Request
from jobs.lib.context import Input
from polyglot.core.errors import Permanent
from polyglot.kinds.answer import Answer
from polyglot.kinds.judge import JudgeParams
from polyglot.kinds.judge_prompts import Prompts, load, values_for
from polyglot.kinds.rows import Question, Reference

GRADED_TURNS = 2  # the prompts know a first and a second turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One verdict to be. `request` is None when there is no answer to rate; `prompt` is the prompt's name."""

    language: str
    id: str
    category: str
    sample: int
    turn: int
    prompt: str | None = None
    fallback: str | None = None
    request: Request | None = None

    @property
    def label(self) -> str:
        """For people: "DE 101 turn 2"."""
        return f"{self.language} {self.id} turn {self.turn}" + (f" sample {self.sample}" if self.sample else "")


def collect(inputs: Mapping[str, Input], params: JudgeParams, prompt_files: Mapping[str, Path]) -> list[Target]:
    """List every target, in the order of languages, questions, samples and turns.

    Raises Permanent for answers to questions that the benchmark has not, repeated answers, and questions of more than
    two turns.
    """
    targets: list[Target] = []
    references_input = inputs.get("references")
    for language in params.languages:
        prompts = load(prompt_files[language], language)
        questions = list(inputs["questions"].lines(f"questions/{language}.jsonl", Question))
        answers = _answers(inputs["answers"].lines(f"answers/{language}.jsonl", Answer), questions, language)
        references: dict[str, tuple[str, ...]] = {}
        if references_input is not None and f"references/{language}.jsonl" in references_input.names():
            rows = references_input.lines(f"references/{language}.jsonl", Reference)
            references = {row.id: row.turns for row in rows}
        samples = sorted({sample for _, sample in answers}) or [0]
        for question in questions:
            if len(question.turns) > GRADED_TURNS:
                raise Permanent(
                    f"questions/{language}.jsonl: question {question.id} has {len(question.turns)} turns; "
                    f"expected at most {GRADED_TURNS}"
                )
            for sample in samples:
                given = answers.get((question.id, sample), ())
                targets += _targets(question, sample, given, references.get(question.id, ()), prompts, params)
    return targets


def _targets(
    question: Question,
    sample: int,
    answers: Sequence[str],
    references: Sequence[str],
    prompts: Prompts,
    params: JudgeParams,
) -> list[Target]:
    made = []
    for turn in range(1, len(question.turns) + 1):
        target = Target(language=prompts.language, id=question.id, category=question.category, sample=sample, turn=turn)
        if len(answers) < turn:
            made.append(target)
            continue
        choice = prompts.choose(
            turn=turn, needs_reference=params.needs_reference(question.category), references=references
        )
        messages = choice.prompt.messages(values_for(question.turns, answers, references, turn))
        request = Request(
            model=params.model,
            messages=tuple(messages),
            temperature=params.temperature,
            max_tokens=params.max_tokens,
            seed=params.seed,
        )
        made.append(replace(target, prompt=choice.prompt.name, fallback=choice.fallback, request=request))
    return made


def _answers(
    rows: Iterable[Answer], questions: Sequence[Question], language: str
) -> dict[tuple[str, int], tuple[str, ...]]:
    """The texts of every (question, sample); a question that failed has the turns that it got before."""
    known, answers = {question.id for question in questions}, dict[tuple[str, int], tuple[str, ...]]()
    for row in rows:
        key = (row.id, row.sample)
        if row.id not in known:
            raise Permanent(f"answers/{language}.jsonl: id {row.id!r} is no question of the benchmark")
        if key in answers:
            raise Permanent(f"answers/{language}.jsonl: two answers to question {key[0]}, sample {key[1]}")
        answers[key] = tuple(turn.text for turn in row.turns)
    return answers
