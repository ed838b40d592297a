"""What is to be judged: one target for every question, sample and turn of every language, with its requests."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.lib.chat.calls import Request
from jobs.lib.context import Input, rows_of
from polyglot.core.errors import Permanent
from polyglot.kinds.answer import Answer
from polyglot.kinds.judge_prompts import Mode, Prompt, Prompts, load, values_for, values_for_pair
from polyglot.kinds.judging import JudgingParams
from polyglot.kinds.rows import Question, Reference
from polyglot.kinds.structured import reply_format

GRADED_TURNS = 2  # the prompts know a first and a second turn
Texts = Sequence[str]  # one a turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One verdict to be. `requests` is empty when an answer is missing; of a pair there are two, one an order."""

    language: str
    id: str
    category: str
    sample: int
    turn: int
    prompt: str | None = None  # its name
    fallback: str | None = None
    requests: tuple[Request, ...] = ()
    characters: tuple[int, ...] = ()  # of this turn of each answer
    repeat: int | None = None  # of a retest

    @property
    def label(self) -> str:
        """For people: "DE 101 turn 2"."""
        return f"{self.language} {self.id} turn {self.turn}" + (f" sample {self.sample}" if self.sample else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Material:
    """Of one question in one language: what is shown to the judge beside the answers."""

    question: Question
    references: Texts
    prompts: Prompts


def collect(
    inputs: Mapping[str, Input], params: JudgingParams, prompt_files: Mapping[str, Path], *roles: str
) -> list[Target]:
    """List every target, in the order of languages, questions, samples and turns.

    `roles` are those of the answers: one is judged alone, two are compared. Raises Permanent for answers to questions
    that the benchmark has not, repeated answers, and questions of more than two turns.
    """
    mode: Mode = "single" if len(roles) == 1 else "pair"
    targets: list[Target] = []
    for language in params.languages:
        prompts = load(prompt_files[language], language, mode)
        questions = list(inputs["questions"].lines(f"questions/{language}.jsonl", Question))
        given = [_answers(inputs[role], role, questions, language) for role in roles]
        references = _references(inputs, language)
        samples = sorted(set().union(*({sample for _, sample in answers} for answers in given))) or [0]
        for question in questions:
            if len(question.turns) > GRADED_TURNS:
                raise Permanent(
                    f"questions/{language}.jsonl: question {question.id} has {len(question.turns)} turns; "
                    f"expected at most {GRADED_TURNS}"
                )
            material = _Material(question=question, references=references.get(question.id, ()), prompts=prompts)
            for sample in samples:
                shown = [answers.get((question.id, sample), ()) for answers in given]
                targets += _targets(material, sample, shown, params)
    return targets


def _references(inputs: Mapping[str, Input], language: str) -> dict[str, Texts]:
    source = inputs.get("references")
    if source is None:
        return {}
    return {row.id: row.turns for row in rows_of(source, f"references/{language}.jsonl", Reference)}


def _targets(material: _Material, sample: int, shown: Sequence[Texts], params: JudgingParams) -> Iterator[Target]:
    question = material.question
    for turn in range(1, len(question.turns) + 1):
        named = (material.prompts.language, question.id, question.category)
        if any(len(answers) < turn for answers in shown):
            yield Target(language=named[0], id=named[1], category=named[2], sample=sample, turn=turn)
            continue
        choice = material.prompts.choose(
            turn=turn, needs_reference=params.needs_reference(question.category), references=material.references
        )
        yield Target(
            language=named[0],
            id=named[1],
            category=named[2],
            sample=sample,
            turn=turn,
            prompt=choice.prompt.name,
            fallback=choice.fallback,
            requests=tuple(_request(choice.prompt, values, params) for values in _values(material, shown, turn)),
            characters=tuple(len(answers[turn - 1]) for answers in shown),
        )


def _values(material: _Material, shown: Sequence[Texts], turn: int) -> Iterator[dict[str, str]]:
    """The texts of each prompt: of a pair one an order."""
    questions, references = material.question.turns, material.references
    if len(shown) == 1:
        yield values_for(questions, shown[0], references, turn)
    else:
        yield values_for_pair(questions, shown[0], shown[1], references, turn)
        yield values_for_pair(questions, shown[1], shown[0], references, turn)


def _request(prompt: Prompt, values: Mapping[str, str], params: JudgingParams) -> Request:
    asks_text = params.output == "text"
    return Request(
        model=params.model,
        messages=tuple(prompt.messages(values)),
        temperature=params.temperature,
        max_tokens=params.max_tokens,
        seed=params.seed,
        reasoning_effort=params.reasoning_effort,
        response_format=None if asks_text else reply_format(prompt.mode, both_bad=prompt.offers_both_bad),
    )


def _answers(
    source: Input, role: str, questions: Sequence[Question], language: str
) -> dict[tuple[str, int], tuple[str, ...]]:
    """The texts of every (question, sample); a question that failed has the turns that it got before."""
    rows: Iterable[Answer] = source.lines(f"answers/{language}.jsonl", Answer)
    known, answers = {question.id for question in questions}, dict[tuple[str, int], tuple[str, ...]]()
    where = f"answers/{language}.jsonl" + ("" if role == "answers" else f" of the {role} model")
    for row in rows:
        key = (row.id, row.sample)
        if row.id not in known:
            raise Permanent(f"{where}: id {row.id!r} is no question of the benchmark")
        if key in answers:
            raise Permanent(f"{where}: two answers to question {key[0]}, sample {key[1]}")
        answers[key] = tuple(turn.text for turn in row.turns)
    return answers
