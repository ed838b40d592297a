"""Dialogues in the making: one question in one language, answered turn by turn by a model behind an endpoint."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jobs.lib.answers import answer_to
from jobs.lib.chat.calls import Failure, Reply, Request
from jobs.lib.chat.thinking import answer
from polyglot.core.errors import Permanent
from polyglot.kinds.answer import Answer, AnswerTurn
from polyglot.kinds.ask import AskParams
from polyglot.kinds.rows import Question


@dataclass(kw_only=True)
class Dialogue:
    """A question's answers so far. `reason` says why there are no more, `result` what came instead of one."""

    params: AskParams
    question: Question
    sample: int
    turns: list[AnswerTurn] = field(default_factory=list)
    reason: str | None = None
    result: Reply | Failure | None = None

    @property
    def open(self) -> bool:
        """Whether there is a turn to be asked."""
        return self.reason is None and len(self.turns) < len(self.question.turns)

    @property
    def label(self) -> str:
        """For people: "DE 101 turn 2"."""
        sample = f" sample {self.sample}" if self.sample else ""
        return f"{self.question.language} {self.question.id} turn {len(self.turns) + 1}{sample}"

    def request(self) -> Request:
        """What is asked next: a later turn as the continuation of those before it."""
        params, category = self.params, self.question.category
        return Request(
            model=params.model,
            messages=tuple(self._messages()),
            temperature=params.temperatures.get(category, params.default_temperature),
            max_tokens=params.max_tokens,
            seed=None if params.seed is None else params.seed + self.sample,
            top_p=params.top_p if params.top_p < 1 else None,
            reasoning_effort=params.reasoning_effort,
            sample=self.sample,
        )

    def _messages(self) -> Iterable[Mapping[str, str]]:
        system = self.params.systems[self.question.language]
        if system:
            yield {"role": "system", "content": system}
        for asked, answered in zip(self.question.turns, self.turns, strict=False):
            yield {"role": "user", "content": asked}
            yield {"role": "assistant", "content": answered.text}
        yield {"role": "user", "content": self.question.turns[len(self.turns)]}

    def take(self, result: Reply | Failure) -> None:
        """Take the result of the next turn. A reply that is cut is an answer that is cut, as of any model."""
        if isinstance(result, Failure):
            self.reason, self.result = result.reason, result
            return
        said = answer(result.text)
        if result.withheld:
            self.reason, self.result = result.withheld, result
        elif said.unfinished or (not said.text.strip() and result.finish_reason == "length"):  # it thought to the end
            self.reason, self.result = "truncated", result
        else:
            self.turns.append(
                AnswerTurn(
                    text=said.text,
                    tokens=result.completion_tokens or 0,
                    finish="length" if result.finish_reason == "length" else "eos",
                )
            )

    def answer(self) -> Answer:
        """The line of answers/<LANG>.jsonl."""
        return answer_to(self.question, self.sample, self.turns, self.reason)


def read_dialogues(rows: Mapping[str, Iterable[Question]], params: AskParams) -> list[Dialogue]:
    """Every dialogue, in the order of the answers. Raises Permanent where there is none."""
    found = [
        Dialogue(params=params, question=question, sample=sample)
        for language in params.languages
        for question in rows[language]
        for sample in range(params.samples)
    ]
    if not found:
        raise Permanent("questions: there is none")
    return found
