"""Tuning the miniature: pre-train a base, tune it on mixes, answer and grade; in one process, without stages or store.

    python -m tests.bench.miniature_trial --base steps=400 --train steps=100 --mixes EN DEFRITES ENDEFRITES-sampled@48
        [--benchmark verifiable-dev] [--seeds 0 1 2] [--threads 1] [--cache DIRECTORY]

`--base` and `--train` take fields of BaseParams and TrainParams. The jobs' own parts are used throughout (blocks,
pre-training, chat format, selection, trainer, generator, grade), so a study with the same settings gives the same
answers. Settings are to be chosen on `verifiable-dev`. One line a mix and seed: exact answers in % by language, CPU
seconds; `--families` adds them by family. A base is kept in the cache under its settings.
"""

import argparse
import copy
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from jobs import builtin
from jobs.answer.engines.engine import Request
from jobs.answer.engines.generation import Generator
from jobs.base.corpus import lines, make_blocks, train_tokenizer
from jobs.base.pretraining import Pretraining, new_model
from jobs.builtin.families import FAMILIES
from jobs.builtin.grade import grade
from jobs.builtin.words import LANGUAGES
from jobs.lib.model.execution import computing
from jobs.lib.model.template import ChatFormat, Encoded
from jobs.mix.selection import select
from jobs.train.training import Layout, Trainer
from polyglot.core.canonical import digest
from polyglot.core.mix import Mix
from polyglot.kinds.base import BaseParams
from polyglot.kinds.train import TrainParams
from polyglot.study.sources import BuiltInModel
from polyglot.study.systems import SYSTEMS

MAX_NEW_TOKENS = 24
BATCH_SIZE = 64
STOPS = ("\nUser:", "\nSystem:")


class Samples:
    """What a trainer reads of a mixture, held in memory."""

    def __init__(self, rows: list[tuple[str, Encoded]]) -> None:
        self.languages = tuple(sorted({language for language, _ in rows}))
        self.language = np.array([self.languages.index(language) for language, _ in rows])
        self._rows = [(np.array(one.input_ids, np.int32), np.array(one.loss)) for _, one in rows]
        self.lengths = np.array([len(ids) for ids, _ in self._rows])
        self.supervised = np.array([int(loss[1:].sum()) for _, loss in self._rows])

    def __len__(self) -> int:
        return len(self._rows)

    def sample(self, number: int) -> tuple[Any, Any]:
        return self._rows[number]


def pretrain(params: BaseParams, seed: int) -> tuple[Any, Any, float]:
    """Model, tokenizer and CPU seconds."""
    began = time.process_time()
    tokenizer = train_tokenizer(lines(params, seed), params.vocabulary, params.max_positions)
    run = Pretraining(new_model(params, tokenizer, seed), make_blocks(params, tokenizer, seed), params)
    for number in range(params.steps):
        loss = run.step(number)
        if number % 100 == 0 or number == params.steps - 1:
            print(f"  step {number} loss {loss:.3f} cpu {time.process_time() - began:.1f} s", file=sys.stderr)
    return run.model, tokenizer, time.process_time() - began


class Miniature:
    """A base with everything that tuning and asking need of it."""

    def __init__(self, model: Any, tokenizer: Any, benchmark: str) -> None:
        self.base, self.chat = model, ChatFormat(tokenizer)
        self.tokens = {language: dict(self._tokens(language)) for language in LANGUAGES}
        self.asked = [
            (language, question) for language in LANGUAGES for question in builtin.questions(benchmark, language)
        ]

    def _tokens(self, language: str) -> Any:
        for row in builtin.instruction_rows(language):
            turns = [{"role": "user", "content": row["instruction"]}, {"role": "assistant", "content": row["output"]}]
            for later in row.get("followups", []):  # type: ignore[attr-defined]
                turns.append({"role": "user", "content": later["instruction"]})
                turns.append({"role": "assistant", "content": later["output"]})
            yield row["id"], self.chat.encode(turns, SYSTEMS[language])

    def tune(self, mix: Mix, params: TrainParams, seed: int, draw: int = 0) -> Any:
        ids = {language: set(rows) for language, rows in self.tokens.items()}
        chosen = select(
            mix=mix.canonical,
            languages=mix.languages,
            accepted=ids,
            tokenized=ids,
            sampled=mix.sampled,
            weights=mix.weights,
            size=mix.size,
            draw=draw,
        )
        model = copy.deepcopy(self.base)
        trainer = Trainer(
            model,
            Samples([(language, self.tokens[language][name]) for name, language in chosen.pairs]),  # type: ignore[arg-type]
            params,
            seed=seed,
            layout=Layout(micro_batch_tokens=4096, pad_id=self.chat.tokenizer.pad_token_id),
            accelerator=Accelerator(cpu=True),
        )
        for number in range(trainer.steps):
            trainer.step(number)
        return model

    def ask(self, model: Any) -> list[tuple[str, str, int, int]]:
        """(language, family, turn, score) of every answer."""
        generator = Generator(model, self.chat, stops=STOPS)
        said: list[list[dict[str, str]]] = [[] for _ in self.asked]
        result = []
        for turn in range(2):
            for (_, question), talk in zip(self.asked, said, strict=True):
                talk.append({"role": "user", "content": question["turns"][turn]})
            prompts = [
                self.chat.prompt(talk, SYSTEMS[language]) for (language, _), talk in zip(self.asked, said, strict=True)
            ]
            order = sorted(range(len(prompts)), key=lambda at: len(prompts[at]))
            for first in range(0, len(order), BATCH_SIZE):
                group = order[first : first + BATCH_SIZE]
                wanted = [
                    Request(prompt=prompts[at], temperature=0, seed=0, max_new_tokens=MAX_NEW_TOKENS) for at in group
                ]
                for at, given in zip(group, generator.answer(wanted), strict=True):
                    language, question = self.asked[at]
                    said[at].append({"role": "assistant", "content": given.text})
                    score = grade(question["reference"][turn], given.text, language).score
                    result.append((language, question["category"], turn + 1, score))
        self.said = said
        return result


def shown(name: str, rows: list[tuple[str, str, int, int]], seconds: str, families: bool) -> str:
    def exact(keep: Any) -> float:
        some = [score == 10 for row in rows if keep(row) for score in [row[3]]]
        return 100 * sum(some) / len(some)

    text = " ".join(f"{language} {exact(lambda row, at=language: row[0] == at):3.0f}" for language in LANGUAGES)
    other = sum(row[3] == 5 for row in rows)
    turns = "/".join(f"{exact(lambda row, at=turn: row[2] == at):.0f}" for turn in (1, 2))
    text = f"{name:32} {text} | all {exact(lambda row: True):4.1f} turns {turns} other-language {other} | {seconds}"
    if families:
        for language in (*LANGUAGES, "all"):
            by = [
                f"{family} {exact(lambda row, f=family, at=language: row[1] == f and at in (row[0], 'all')):.0f}"
                for family in FAMILIES
            ]
            text += f"\n    {language}: " + " ".join(by)
    return text


def _fields(pairs: list[str]) -> dict[str, Any]:
    values = dict(pair.split("=", 1) for pair in pairs)
    return {name: json.loads(value) if value[:1] in "0123456789[{-" else value for name, value in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", nargs="*", default=[])
    parser.add_argument("--base-seed", type=int, default=0)
    parser.add_argument("--train", nargs="*", default=[])
    parser.add_argument("--mixes", nargs="*", default=["EN", "ENDEFRITES", "DEFRITES"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--benchmark", default="verifiable-dev")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--families", action="store_true")
    parser.add_argument("--say", type=int, default=0, help="show that many answers a language")
    parser.add_argument("--cache", type=Path)
    given = parser.parse_args()
    params = BaseParams(
        source="built-in",
        shares=BuiltInModel().shares,
        systems=SYSTEMS,
        **_fields(given.base),  # type: ignore[arg-type]
    )
    defaults = {"steps": 80, "batch_size": 24, "learning_rate": 1.5e-3, "warmup_steps": 5, "schedule": "trapezoid"}
    train = TrainParams(**{**defaults, "precision": "float32", **_fields(given.train)})
    with computing(given.threads, deterministic=True):
        kept = given.cache / digest([params.document(), given.base_seed])[:16] if given.cache else None
        if kept is not None and kept.exists():
            model, tokenizer = torch.load(kept, weights_only=False)
        else:
            model, tokenizer, seconds = pretrain(params, given.base_seed)
            print(f"base {seconds:.1f} CPU s, {sum(p.numel() for p in model.parameters())} parameters")
            if kept is not None:
                kept.parent.mkdir(exist_ok=True)
                torch.save((model, tokenizer), kept)
        mini = Miniature(model, tokenizer, given.benchmark)
        for name in given.mixes:
            for seed in given.seeds if name != "-" else [0]:
                began = time.process_time()
                tuned = model if name == "-" else mini.tune(Mix.parse(name), train, seed)
                trained = time.process_time()
                rows = mini.ask(tuned)
                cpu = f"{trained - began:.1f} + {time.process_time() - trained:.1f} CPU s"
                print(shown(f"{name} seed {seed}", rows, cpu, given.families), flush=True)
                if given.say:
                    count: dict[str, int] = defaultdict(int)
                    for (language, question), talk in zip(mini.asked, mini.said, strict=True):
                        count[language] += 1
                        if count[language] <= given.say:
                            print("   ", [turn["content"] for turn in talk], question["reference"])


if __name__ == "__main__":
    main()
