"""The answer stage: one model's answers to every turn of every question of a benchmark.

Writes `answers/<LANG>.jsonl`, one record a question and sample in the order of the questions, and `card.json` with the
share of answers cut at the length limit per language. An engine computes them (`engines`), a setting says which.

A question that cannot be answered is a record with the reason, and counted. Questions are answered in groups that do
not depend on what an earlier attempt has done: a killed run repeats a group or none of it. Execution settings:
`threads`, `engine`, `batch_size` (conversations at once).

Shards take whole groups in turn, the same groups as without shards, since what shares a batch may change the last bits
of a logit. More shards than groups leave some with nothing to do.
"""

import contextlib
from collections.abc import Sequence
from itertools import islice

import msgspec
import torch

from jobs.answer import sharding
from jobs.answer.conversation import Conversation, Task
from jobs.answer.engines import engine_class
from jobs.answer.engines.engine import Engine, Opening
from jobs.lib.answers import write_answers
from jobs.lib.context import Context
from jobs.lib.model.execution import computing, described, tell_unused_gpus, threads_of
from jobs.lib.model.loading import choose_device, load_tokenizer
from jobs.lib.model.template import ChatFormat
from polyglot.core.canonical import digest
from polyglot.core.errors import Permanent
from polyglot.core.records import UNSET
from polyglot.kinds.answer import USUAL_ENGINE, Answer, AnswerParams, engine_of
from polyglot.kinds.rows import Question
from polyglot.kinds.templates import OWN


def run(context: Context) -> None:
    """Answer all questions of all languages; a shard answers its groups, and the last one writes them all."""
    params = AnswerParams.of(context.stage)
    threads = threads_of(context)
    name = engine_of(context.settings)
    if name == USUAL_ENGINE or not torch.cuda.is_available():  # another engine takes all GPUs
        tell_unused_gpus(context)
    execution = {**described(threads, dtype=params.dtype), **engine_class(name).conditions(context.settings)}
    tasks = _tasks(context, params)
    if context.shards is None:
        answers = _ask_all(context, params, tasks, threads)
    else:
        fit = {**execution, "kernels": torch.backends.cpu.get_cpu_capability()}
        if context.shards.index in context.shards.missing(**fit):
            sharding.put(context, context.shards, _ask_all(context, params, tasks, threads), **fit)
        merged = sharding.merged(context, context.shards, **fit)
        if merged is None:
            return
        answers = merged
    context.metrics["execution"] = execution
    unusual = _chat(context, params).unusual if params.template == OWN else {}
    batching = next((answer.batching for answer in answers.values()), UNSET)
    said = {"batching": batching, "engine": execution.get("engine", UNSET), **unusual}
    write_answers(context, params.languages, [answers[task.name] for task in tasks], **said)


def _ask_all(context: Context, params: AnswerParams, tasks: list[Task], threads: int) -> dict[str, Answer]:
    """Load the model and return the answers to this worker's questions by name."""
    with computing(threads, deterministic=choose_device().type == "cpu"):
        chat = _chat(context, params)
        opening = Opening(
            directory=context.inputs["model"].directory("model"),
            chat=chat,
            params=params,
            settings=context.settings,
            resources=context.resources,
            log=context.log,
        )
        with contextlib.closing(engine_class(engine_of(context.settings))(opening)) as engine:
            conversation = Conversation(engine, chat, params, seed=context.stage.seed)
            for task in tasks:
                task.batching = UNSET if engine.unusual is None else engine.unusual
                conversation.prepare(task)
            return _answer(context, conversation, tasks)


def _chat(context: Context, params: AnswerParams) -> ChatFormat:
    tokenizer = load_tokenizer(context.inputs["model"].directory("model"))
    return ChatFormat(tokenizer, params.template, template_date=params.template_date)


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


def groups_of(engine: Engine, tasks: Sequence[Task]) -> list[list[Task]]:
    """What the engine answers and keeps as one: neighbours in the order of their prompts' lengths."""
    ordered = iter(sorted(tasks, key=lambda task: (len(task.prompt), task.name)))
    lengths = sorted(len(task.prompt) for task in tasks)
    return [list(islice(ordered, size)) for size in engine.groups(lengths)]


def _answer(context: Context, conversation: Conversation, tasks: list[Task]) -> dict[str, Answer]:
    """Answer group after group; what the journal holds of earlier attempts is not asked again."""
    known = {record["id"]: msgspec.convert(record["answers"], tuple[Answer, ...]) for record in context.journal.read()}
    groups = groups_of(conversation.engine, [task for task in tasks if task.error is None])
    if context.shards is not None:
        groups = groups[context.shards.index :: context.shards.count]
        tasks = [task for task in tasks if task.error is not None] + [task for group in groups for task in group]
    answers = {task.name: task.answer() for task in tasks if task.error is not None}
    asked: dict[str, list[Task]] = {}
    for group in groups:
        name = digest([task.name for task in group])
        if name in known:
            answers.update({task.name: answer for task, answer in zip(group, known[name], strict=True)})
        else:
            asked[name] = group
    if answers:
        context.progress(len(answers), len(tasks), "questions")
    for name in conversation.converse(asked, context.raise_if_stopping):
        found = tuple(task.answer() for task in asked[name])
        context.journal.append({"id": name, "answers": msgspec.to_builtins(found)})
        answers.update({task.name: answer for task, answer in zip(asked[name], found, strict=True)})
        context.progress(len(answers), len(tasks), "questions")
        if context.stopping():
            context.journal.flush()
            context.raise_if_stopping()
    context.journal.flush()
    return answers
