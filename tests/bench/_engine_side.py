"""One side of the benchmark `engines`: the conversations of a file answered by one engine, in its own interpreter.

    python -m tests.bench._engine_side SIDE TASK.json OUT.json

SIDE is transformers or vllm (the product's engines), generate or continuous (what transformers brings itself).
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from jobs.answer.conversation import Conversation, Task
from jobs.answer.engines import engine_class
from jobs.answer.engines.engine import Endings, Finish, Generated, Growing, Opening
from jobs.answer.job import groups_of
from jobs.lib.model.execution import computing
from jobs.lib.model.loading import DTYPES, load_model, load_tokenizer
from jobs.lib.model.template import ChatFormat
from polyglot.core.stage import Resources
from polyglot.kinds.answer import AnswerParams
from polyglot.kinds.rows import Question

SYSTEM = "Be brief."
Side = Callable[[Mapping[str, Any], ChatFormat], dict[str, Any]]


def by_engine(name: Any) -> Side:
    """Both turns of every conversation, with the ids of each answer."""

    def run(task: Mapping[str, Any], chat: ChatFormat) -> dict[str, Any]:
        kept: list[tuple[list[int], list[int]]] = []
        ended = Endings.ended

        def keep(self: Endings, answer: Growing, finish: Finish) -> Generated:
            kept.append((answer.request.prompt, list(answer.ids)))
            return ended(self, answer, finish)

        Endings.ended = keep  # type: ignore[method-assign]
        params = AnswerParams(
            languages=("EN",), systems={"EN": SYSTEM}, max_new_tokens=task["new_tokens"], dtype=task["dtype"]
        )
        opening = Opening(
            directory=Path(task["model"]),
            chat=chat,
            params=params,
            settings={"batch_size": task["batch"]},
            resources=Resources(memory_bytes=4 * 2**30),
            log=logging.getLogger("engines"),
        )
        began = time.process_time()
        engine = engine_class(name)(opening)
        started = time.process_time() - began
        conversation = Conversation(engine, chat, params, seed=0)
        tasks = [
            Task(
                question=Question(id=str(number), language=language, category="math", turns=tuple(turns)),
                sample=0,
                system=SYSTEM,
                temperature=0.0,
            )
            for number, (language, turns) in enumerate(task["conversations"])
        ]
        for one in tasks:
            conversation.prepare(one)
        groups = {str(place): group for place, group in enumerate(groups_of(engine, tasks))}
        began = time.process_time()
        list(conversation.converse(groups, lambda: None))
        seconds = time.process_time() - began
        engine.close()
        return {
            "start_seconds": started,
            "seconds": seconds,
            "tokens": sum(turn.tokens for one in tasks for turn in one.turns),
            "texts": [[turn.text for turn in one.turns] for one in tasks],
            "answers": kept,
        }

    return run


def first_prompts(task: Mapping[str, Any], chat: ChatFormat) -> list[list[int]]:
    """The prompts of first turns, by length."""
    said = [turns[0] for _, turns in task["conversations"]]
    return sorted((chat.prompt([{"role": "user", "content": text}], SYSTEM) for text in said), key=len)


def generate(task: Mapping[str, Any], chat: ChatFormat) -> dict[str, Any]:
    """First turns by `model.generate`, in batches of similar length."""
    model: Any = load_model(Path(task["model"]), dtype=DTYPES[task["dtype"]], device=torch.device("cpu"))
    prompts, tokens = first_prompts(task, chat), 0
    began = time.process_time()
    for place in range(0, len(prompts), task["batch"]):
        batch = prompts[place : place + task["batch"]]
        width = max(map(len, batch))
        ids = torch.tensor([[chat.eos_id] * (width - len(one)) + one for one in batch])
        mask = (torch.arange(width) >= torch.tensor([[width - len(one)] for one in batch])).long()
        found = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=task["new_tokens"],
            do_sample=False,
            pad_token_id=chat.eos_id,
            eos_token_id=chat.eos_id,
        )
        for line in found[:, width:].tolist():
            tokens += line.index(chat.eos_id) + 1 if chat.eos_id in line else len(line)
    return {"seconds": time.process_time() - began, "tokens": tokens}


def continuous(task: Mapping[str, Any], chat: ChatFormat) -> dict[str, Any]:
    """First turns by transformers' continuous batching."""
    from transformers import GenerationConfig

    model: Any = load_model(
        Path(task["model"]), dtype=DTYPES[task["dtype"]], device=torch.device("cpu"), attention="sdpa"
    )
    config: Any = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=task["new_tokens"], do_sample=False, eos_token_id=chat.eos_id, pad_token_id=chat.eos_id
    )
    prompts, began = first_prompts(task, chat), time.process_time()
    found = list(model.generate_batch(inputs=prompts, generation_config=config, progress_bar=False).values())
    if failed := [one.error for one in found if one.error] or [None] * (len(prompts) - len(found)):
        raise RuntimeError(f"{len(failed)} of {len(prompts)} were not answered: {failed[0]}")
    # every call warms up anew, for seconds: requests know when they were computed, by the clock
    seconds = max(one.lifespan[1] for one in found) - min(one.lifespan[0] for one in found)
    tokens = sum(len(one.generated_tokens) for one in found)
    return {"start_seconds": time.process_time() - began - seconds, "seconds": seconds, "tokens": tokens}


SIDES: Mapping[str, Side] = {
    "transformers": by_engine("transformers"),
    "vllm": by_engine("vllm"),
    "generate": generate,
    "continuous": continuous,
}


def main() -> None:
    """Answer, and write what came of it."""
    side, source, target = sys.argv[1:]
    task = json.loads(Path(source).read_text(encoding="utf-8"))
    chat = ChatFormat(load_tokenizer(Path(task["model"])))
    # continuous batching computes in a thread of its own, which cannot write tensors of this one's inference mode
    mode = nullcontext() if side == "continuous" else torch.inference_mode()
    with computing(1, deterministic=True), mode:
        found = SIDES[side](task, chat)
    Path(target).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
