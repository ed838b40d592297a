"""Conversations with a model, whatever engine computes it: prompts, room, seeds, and why a question has no answer.

Turn 2's prompt holds turn 1's answer as the model gave it (cut before a stop string). A sample's seed is a hash of
question, turn and sample: the same in every language and for every model, so that two models are compared on common
random numbers.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.answer.engines.engine import Engine, Generated, Request
from jobs.lib.answers import answer_to
from jobs.lib.model.template import ChatFormat, Inexact
from polyglot.core.canonical import canonical
from polyglot.core.records import UNSET, UnsetType
from polyglot.kinds.answer import Answer, AnswerParams, AnswerTurn
from polyglot.kinds.rows import Question


@dataclass(kw_only=True)
class Task:
    """One conversation: a question in one language, and which sample of it."""

    question: Question
    sample: int
    system: str
    temperature: float
    prompt: list[int] = field(default_factory=list)  # of the turn that is next
    said: list[dict[str, str]] = field(default_factory=list)
    turns: list[AnswerTurn] = field(default_factory=list)
    error: str | None = None
    batching: str | UnsetType = UNSET

    @property
    def name(self) -> str:
        """Unique in a stage."""
        return f"{self.question.language}/{self.question.id}/{self.sample}"

    def answer(self) -> Answer:
        """The line of answers/<LANG>.jsonl."""
        return answer_to(self.question, self.sample, self.turns, self.error, self.batching)


class Conversation:
    """Holds conversations with a model, turn by turn."""

    def __init__(self, engine: Engine, chat: ChatFormat, params: AnswerParams, *, seed: int | None) -> None:
        self.engine, self.chat, self.params, self.seed = engine, chat, params, seed
        self._asked: dict[str, Task] = {}

    def prepare(self, task: Task) -> None:
        """Make the prompt of a task's next turn, or give the task the reason why there is none."""
        task.said.append({"role": "user", "content": task.question.turns[len(task.turns)]})
        try:
            task.prompt = self.chat.prompt(task.said, task.system)
        except Inexact as error:
            task.error = str(error)
            return
        if self.engine.positions is not None and len(task.prompt) >= self.engine.positions:
            task.error = f"prompt-too-long: {len(task.prompt)} tokens, the model sees {self.engine.positions}"
        elif max(task.prompt) >= self.engine.embedded:
            task.error = f"unknown-token: {max(task.prompt)}, the model embeds {self.engine.embedded}"

    def converse(self, groups: Mapping[str, Sequence[Task]], check: Callable[[], None]) -> Iterator[str]:
        """Ask the prepared tasks of every group all of their turns; yields a group's name once it has its answers.

        A second turn is asked as soon as its first has ended: an engine that keeps prefixes still has it.
        """
        waiting, left = deque(groups), dict[str, int]()
        group_of = {task.name: name for name, group in groups.items() for task in group}
        while waiting or left:
            while waiting and len(left) < self.engine.at_once:
                group = groups[waiting[0]]
                left[waiting.popleft()] = len(group)
                for task in group:
                    self._ask(task)
            for name, result in self.engine.step(check):
                task = self._asked.pop(name)
                self._take(task, result)
                if task.error is None and self._has_more(task):
                    self._ask(task)
                    continue
                left[group_of[name]] -= 1
                if not left[group_of[name]]:
                    del left[group_of[name]]
                    yield group_of[name]

    def _ask(self, task: Task) -> None:
        self._asked[task.name] = task
        self.engine.add(task.name, self._request(task))

    def _has_more(self, task: Task) -> bool:
        return len(task.turns) < len(task.question.turns)

    def _request(self, task: Task) -> Request:
        room = self.params.max_new_tokens
        if self.engine.positions is not None:
            room = min(room, self.engine.positions - len(task.prompt))
        turn = len(task.turns) + 1
        return Request(
            prompt=task.prompt,
            temperature=task.temperature,
            seed=sample_seed(task.question.id, turn, task.sample, stage_seed=self.seed),
            max_new_tokens=room,
        )

    def _take(self, task: Task, result: Generated) -> None:
        if result.finish == "not-finite":
            task.error = "not-finite: the model's logits are no numbers"
            return
        task.turns.append(
            AnswerTurn(
                text=result.text,
                tokens=result.tokens,
                finish=result.finish,
                stop=result.stop,
                end=self.chat.name_of_end(result.end_id),
            )
        )
        task.said.append({"role": "assistant", "content": result.text})
        if self._has_more(task):
            self.prepare(task)


def sample_seed(question: str, turn: int, sample: int, *, stage_seed: int | None) -> int:
    """63 bits out of (question, turn, sample), and the stage's seed where it has one."""
    named = canonical([question, turn, sample] if stage_seed is None else [question, turn, sample, stage_seed])
    return int.from_bytes(hashlib.sha256(named).digest()[:8], "big") >> 1
