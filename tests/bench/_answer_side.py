"""One side of the benchmark `answer_slots`: its conversations answered by the code of whatever checkout is imported.

    PYTHONPATH=CHECKOUT CHECKOUT/.venv/bin/python -P tests/bench/_answer_side.py TASK.json

Prints one JSON document. Checkouts before there were engines, as b263a01, have what `before_engines` asks.
"""

import json
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from jobs.lib.model.execution import computing
from jobs.lib.model.loading import load_tokenizer

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A model with all that is to be asked of it."""

    model: Any
    tokenizer: Any
    groups: int
    converse: Callable[[], object]
    turns: Callable[[], list[list[tuple[str, int]]]]  # text and tokens of each turn of each conversation


def with_engines(task: dict[str, Any]) -> Prepared:
    """By the product's own engine."""
    from jobs.answer.conversation import Conversation, Task
    from jobs.answer.engines.engine import Opening, Request
    from jobs.answer.engines.transformers import TransformersEngine
    from jobs.lib.model.template import ChatFormat
    from polyglot.core.stage import Resources
    from polyglot.kinds.answer import AnswerParams
    from polyglot.kinds.rows import Question

    class Timed(Conversation):
        def _request(self, one: Task) -> Request:
            return replace(super()._request(one), max_new_tokens=length(task, one.question.id, one.turns))

    directory = Path(task["model"])
    chat = ChatFormat(load_tokenizer(directory))
    params = AnswerParams(languages=("EN",), systems={"EN": ""}, dtype=task["dtype"], stops=())
    engine = TransformersEngine(
        Opening(
            directory=directory,
            chat=chat,
            params=params,
            settings={"batch_size": task["batch"]},
            resources=Resources(),
            log=logging.getLogger("bench"),
        )
    )
    engine.generator.endings.ids.clear()
    conversation = Timed(engine, chat, params, seed=0)
    tasks = tasks_of(task, Task, Question)
    ordered = in_order(tasks, conversation.prepare)
    groups, place = dict[str, list[Task]](), 0  # as the job does, of which another checkout has it by another name
    for size in engine.groups([len(one.prompt) for one in ordered]):
        groups[str(place)] = ordered[place : place + size]
        place += size
    return Prepared(
        model=engine.generator.model,
        tokenizer=chat.tokenizer,
        groups=len(groups),
        converse=lambda: list(conversation.converse(groups, lambda: None)),
        turns=lambda: [[(turn.text, turn.tokens) for turn in one.turns] for one in tasks],
    )


def before_engines(task: dict[str, Any]) -> Prepared:
    """By the generator of old, a batch of similar length after the other."""
    from jobs.lib.model.generation import Generator, Request  # type: ignore[import-not-found, unused-ignore]
    from jobs.lib.template import ChatFormat  # type: ignore[import-not-found, unused-ignore]
    from polyglot.spec.params import AnswerParams  # type: ignore[import-not-found, unused-ignore]

    from jobs.answer import Asking, Task  # type: ignore[attr-defined, unused-ignore]
    from jobs.lib.model.loading import DTYPES, choose_device, load_model

    class Timed(Asking):  # type: ignore[misc, unused-ignore]
        def _request(self, one: Task) -> Request:
            return replace(super()._request(one), max_new_tokens=length(task, one.question["id"], one.turns))

    directory = Path(task["model"])
    chat = ChatFormat(load_tokenizer(directory))
    params = AnswerParams(languages=("EN",), systems={"EN": ""}, temperatures={}, dtype=task["dtype"], stops=())
    model = load_model(directory, dtype=DTYPES[params.dtype], device=choose_device())
    generator = Generator(model, chat, top_k=params.top_k, top_p=params.top_p, stops=params.stops)
    generator._ends.clear()
    asking = Timed(generator, params, seed=0)
    tasks = tasks_of(task, Task, dict)
    ordered = in_order(tasks, asking.prepare)
    groups = [ordered[place : place + task["batch"]] for place in range(0, len(ordered), task["batch"])]
    return Prepared(
        model=model,
        tokenizer=chat.tokenizer,
        groups=len(groups),
        converse=lambda: [asking.converse(group, lambda: None) for group in groups],
        turns=lambda: [[(turn["text"], turn["tokens"]) for turn in one.turns] for one in tasks],
    )


def tasks_of(task: dict[str, Any], kind: Callable[..., T], question: Callable[..., object]) -> list[T]:
    """The conversations as one checkout's tasks, of whose questions it has its own kind."""
    return [
        kind(
            question=question(id=str(number), language="EN", category="math", turns=tuple(one["turns"])),
            sample=0,
            system="",
            temperature=task["temperature"] * (number % 2),
        )
        for number, one in enumerate(task["conversations"])
    ]


def in_order(tasks: list[Any], prepare: Callable[[Any], object]) -> list[Any]:
    """Prepare all, and put them into the order in which a job asks them."""
    for one in tasks:
        prepare(one)
    return sorted(tasks, key=lambda one: (len(one.prompt), one.name))


def length(task: dict[str, Any], question: str, turns: list[Any]) -> int:
    """Tokens of the next answer."""
    return int(task["conversations"][int(question)]["lengths"][len(turns)])


def answer(task: dict[str, Any]) -> dict[str, Any]:
    """Answer a task's conversations, and count."""
    try:
        import jobs.answer.engines  # noqa: F401

        prepare = with_engines
    except ModuleNotFoundError:
        prepare = before_engines
    with computing(1, deterministic=True):
        ready = prepare(task)
        counts = counted(ready, free=task["free"])
        clock, processor = time.perf_counter(), time.process_time()
        ready.converse()
        seconds = {"processor": time.process_time() - processor, "clock": time.perf_counter() - clock}
    turns = ready.turns()
    return {
        **counts,
        **seconds,
        "groups": ready.groups,
        "tokens": sum(tokens for one in turns for _, tokens in one),
        "texts": [[text for text, _ in one] for one in turns],
    }


def counted(ready: Prepared, *, free: bool) -> dict[str, int]:
    """What the model is asked from now on; unless `free`, it says one letter again and again."""
    counts = {"steps": 0, "rows": 0, "prompt tokens": 0, "columns": 0}
    forward = ready.model.forward
    said = ready.tokenizer.convert_tokens_to_ids("Q")

    def counting(**given: Any) -> Any:
        rows, width = given["input_ids"].shape
        if width > 1:
            counts["prompt tokens"] += rows * width
        else:
            counts["steps"] += 1
            counts["rows"] += rows
            counts["columns"] += given["attention_mask"].numel()
        output = forward(**given)
        if not free:
            output.logits[..., said] += 1e4  # a trained model's text has the ids that it is read as; so has this
        return output

    ready.model.forward = counting
    return counts


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
