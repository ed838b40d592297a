"""The answer stage: one model's answers to every turn of every question of a benchmark.

Writes `answers/<LANG>.jsonl`, one record a question and sample in the order of the questions, and `card.json` with the
share of answers cut at the length limit per language. Turn 2's prompt holds turn 1's answer as the model gave it (cut
before a stop string). A sample's seed is a hash of question, turn and sample: the same in every language and for every
model, so that two models are compared on common random numbers.

A question that cannot be answered is a record with the reason, and counted. Questions are answered in groups of
similar length that do not depend on what an earlier attempt has done: a killed run repeats a group or none of it, and
ends with the same answers. Execution settings: `threads`, `batch_size` (conversations in a group).

Shards take whole groups in turn, the same groups as without shards, since what shares a batch may change the last bits
of a logit; so n shards end with the bytes of one run. More shards than groups leave some with nothing to do.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import torch

from jobs.answer import sharding
from jobs.answer.generation import Generated, Generator, Request
from jobs.lib.answers import write_answers
from jobs.lib.context import Context
from jobs.lib.model.execution import computing, described, threads_of, unused_gpus
from jobs.lib.model.loading import DTYPES, choose_device, embedded, load_model, load_tokenizer, max_positions
from jobs.lib.model.template import ChatFormat, Inexact
from polyglot.core.canonical import canonical, digest
from polyglot.core.errors import Permanent
from polyglot.core.records import UNSET, UnsetType
from polyglot.kinds.answer import GROUP_TOKENS, Answer, AnswerParams, AnswerTurn
from polyglot.kinds.rows import Question
from polyglot.kinds.templates import OWN

BATCH_SIZE = {"cpu": 64, "cuda": 128}


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
        return Answer(
            id=self.question.id,
            language=self.question.language,
            category=self.question.category,
            sample=self.sample,
            turns=tuple(self.turns),
            error=self.error,
            batching=self.batching,
        )


def run(context: Context) -> None:
    """Answer all questions of all languages; a shard answers its groups, and the last one writes them all."""
    params = AnswerParams.of(context.stage)
    threads = threads_of(context)
    device = choose_device()
    if unused := unused_gpus(context.resources.gpus):
        context.log.warning("%s", unused)
    size = int(context.settings.get("batch_size") or BATCH_SIZE[device.type])
    execution = {**described(threads, dtype=params.dtype), "batch_size": size}
    tasks = _tasks(context, params)
    if context.shards is None:
        answers = _ask_all(context, params, tasks, size, threads)
    else:
        fit = {**execution, "kernels": torch.backends.cpu.get_cpu_capability()}
        if context.shards.index in context.shards.missing(**fit):
            sharding.put(context, context.shards, _ask_all(context, params, tasks, size, threads), **fit)
        merged = sharding.merged(context, context.shards, **fit)
        if merged is None:
            return
        answers = merged
    context.metrics["execution"] = execution
    unusual = _chat(context, params).unusual if params.template == OWN else {}
    batching = next((answer.batching for answer in answers.values()), UNSET)
    write_answers(context, params.languages, [answers[task.name] for task in tasks], batching=batching, **unusual)


def _ask_all(context: Context, params: AnswerParams, tasks: list[Task], size: int, threads: int) -> dict[str, Answer]:
    """Load the model and return the answers to this worker's questions by name."""
    device = choose_device()
    with computing(threads, deterministic=device.type == "cpu"):
        directory = context.inputs["model"].directory("model")
        chat = _chat(context, params)
        model = load_model(directory, dtype=DTYPES[params.dtype], device=device)
        generator = Generator(model, chat, top_k=params.top_k, top_p=params.top_p, stops=params.stops)
        batching = generator.batching.name(has_cache=generator.has_cache)
        if batching is not None:
            context.log.warning(
                "%s answers otherwise in a batch than alone; it answers so: %s", type(model).__name__, batching
            )
            for task in tasks:
                task.batching = batching
        conversation = Conversation(generator, params, seed=context.stage.seed)
        for task in tasks:
            conversation.prepare(task)
        return _answer(context, conversation, tasks, size)


def _chat(context: Context, params: AnswerParams) -> ChatFormat:
    tokenizer = load_tokenizer(context.inputs["model"].directory("model"))
    return ChatFormat(tokenizer, params.template, template_date=params.template_date)


class Conversation:
    """Holds conversations with a model, turn by turn."""

    def __init__(self, generator: Generator, params: AnswerParams, *, seed: int | None) -> None:
        self.generator, self.params, self.seed = generator, params, seed
        self._limit = max_positions(generator.model)
        self._embedded = embedded(generator.model)

    def prepare(self, task: Task) -> None:
        """Make the prompt of a task's next turn, or give the task the reason why there is none."""
        task.said.append({"role": "user", "content": task.question.turns[len(task.turns)]})
        try:
            task.prompt = self.generator.chat.prompt(task.said, task.system)
        except Inexact as error:
            task.error = str(error)
            return
        if self._limit is not None and len(task.prompt) >= self._limit:
            task.error = f"prompt-too-long: {len(task.prompt)} tokens, the model sees {self._limit}"
        elif max(task.prompt) >= self._embedded:
            task.error = f"unknown-token: {max(task.prompt)}, the model embeds {self._embedded}"

    def converse(self, tasks: list[Task], check: Callable[[], None]) -> None:
        """Ask every prepared task all of its turns."""
        while open_tasks := [task for task in tasks if task.error is None and self._has_more(task)]:
            results = self.generator.answer([self._request(task) for task in open_tasks], check)
            for task, result in zip(open_tasks, results, strict=True):
                self._take(task, result)

    def _has_more(self, task: Task) -> bool:
        return len(task.turns) < len(task.question.turns)

    def _request(self, task: Task) -> Request:
        room = self.params.max_new_tokens
        if self._limit is not None:
            room = min(room, self._limit - len(task.prompt))
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
                end=self.generator.chat.name_of_end(result.end_id),
            )
        )
        task.said.append({"role": "assistant", "content": result.text})
        if self._has_more(task):
            self.prepare(task)


def sample_seed(question: str, turn: int, sample: int, *, stage_seed: int | None) -> int:
    """63 bits out of (question, turn, sample), and the stage's seed where it has one."""
    named = canonical([question, turn, sample] if stage_seed is None else [question, turn, sample, stage_seed])
    return int.from_bytes(hashlib.sha256(named).digest()[:8], "big") >> 1


def _tasks(context: Context, params: AnswerParams) -> list[Task]:
    """Every conversation, in the order of the answers."""
    source = context.inputs["questions"]
    tasks = []
    for language in params.languages:
        if language not in params.systems:
            raise Permanent(f"systems: no entry for {language}; an empty text means no system message")
        tasks += [
            Task(
                question=question,
                sample=sample,
                system=params.systems[language],
                temperature=params.temperatures.get(question.category, params.default_temperature),
            )
            for question in source.lines(f"questions/{language}.jsonl", Question)
            for sample in range(params.samples)
        ]
    if not tasks:
        raise Permanent("questions: there is none")
    return tasks


def _groups(tasks: Sequence[Task], size: int, tokens: int) -> list[list[Task]]:
    """Neighbours in the order of their prompts' lengths, at most `size` of them, and of several at most `tokens`."""
    groups: list[list[Task]] = []
    for task in tasks:  # the one that is next is the longest so far
        if not groups or len(groups[-1]) == size or (len(groups[-1]) + 1) * len(task.prompt) > tokens:
            groups.append([])
        groups[-1].append(task)
    return groups


def _answer(context: Context, conversation: Conversation, tasks: list[Task], size: int) -> dict[str, Answer]:
    """Answer group after group; what the journal holds of earlier attempts is not asked again."""
    known = {record["id"]: msgspec.convert(record["answers"], tuple[Answer, ...]) for record in context.journal.read()}
    askable = sorted((task for task in tasks if task.error is None), key=lambda task: (len(task.prompt), task.name))
    groups = _groups(askable, size, GROUP_TOKENS[conversation.generator.model.device.type])
    if context.shards is not None:
        groups = groups[context.shards.index :: context.shards.count]
        tasks = [task for task in tasks if task.error is not None] + [task for group in groups for task in group]
    answers = {task.name: task.answer() for task in tasks if task.error is not None}
    for group in groups:
        name = digest([task.name for task in group])
        if name not in known:
            conversation.converse(group, context.raise_if_stopping)
            known[name] = tuple(task.answer() for task in group)
            context.journal.append({"id": name, "answers": msgspec.to_builtins(known[name])})
        answers.update({task.name: answer for task, answer in zip(group, known[name], strict=True)})
        context.progress(len(answers), len(tasks), "questions")
        if context.stopping():
            context.journal.flush()
            context.raise_if_stopping()
    context.journal.flush()
    return answers
