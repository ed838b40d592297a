"""Estimates of memory and time beside what real jobs use: base, train and answer, of models that are made here.

    python -m tests.bench.cost_estimate [--large] [MODEL …]

Each job runs in a process of its own, on one thread; its peak is the largest resident size, its time processor seconds,
as the machine may be busy. The rates of `polyglot.kinds.device` are from the time columns: `GFLOP/s` is what the
training's formula counts, over its seconds. `--large` adds a model of SmolLM2-135M's shape (11 GiB of memory).
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyglot.core.stage import Resources, Stage
from polyglot.kinds.device import cpu
from polyglot.kinds.forecast import Ask, Facts, Forecast, Texts
from polyglot.kinds.registry import kind_of
from polyglot.kinds.shape import Shape

MODELS: Mapping[str, tuple[int, int, int, int, int, int, bool]] = {
    # hidden, feed-forward, layers, heads, key-value heads, vocabulary, tied
    "5M-32k": (128, 384, 4, 4, 4, 32000, True),
    "19M-32k": (320, 1024, 6, 5, 5, 32000, True),
    "60M-32k": (512, 1536, 8, 8, 8, 32000, False),
    "39M-131k": (256, 1024, 6, 4, 2, 131072, True),
}
LARGE = {"135M-49k": (576, 1536, 30, 9, 3, 49152, True)}
ROWS, BATCH, STEPS, QUESTIONS, NEW_TOKENS = 64, 16, 3, 64, 48
QUESTION = "dog cat fish " * 12
RUNS = ("train", "train again", "train lora", "answer")


def config_of(name: str) -> dict[str, Any]:
    """The configuration of a model in Llama's words."""
    names = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
    *numbers, vocabulary, tied = {**MODELS, **LARGE}[name]
    plain: dict[str, Any] = dict(zip(names, numbers, strict=True))
    return {**plain, "vocab_size": vocabulary, "tie_word_embeddings": tied, "max_position_embeddings": 2048}


def prepare(root: Path, name: str) -> None:
    """A base with random weights, a token set and a mix; in a process of its own, as all of this."""
    from transformers import LlamaConfig, LlamaForCausalLM

    from jobs.tokenize import job as tokenize
    from polyglot.kinds.tokenize import TokenizeParams
    from tests.kit.model_jobs import byte_level, model_context, write_mix, write_questions, write_rows

    tokenizer = byte_level()
    config = LlamaConfig(
        **config_of(name), bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, dtype="float32"
    )
    LlamaForCausalLM(config).save_pretrained(root / "base" / "model")
    tokenizer.save_pretrained(root / "base" / "model")
    rows = [["dog cat fish bird " * (3 + n % 3), "fish dog häuser " * (20 + n % 40)] for n in range(ROWS)]
    inputs = {"rows": write_rows(root / "rows", "EN", rows), "base": root / "base"}
    params = TokenizeParams(language="EN", system="Be brief.", max_tokens=2048, over_long="truncate")
    tokenize.run(model_context(root / "tokens", params, inputs))
    write_mix(root / "mix", [("EN", n) for n in range(ROWS)])
    asked = ({"id": str(n), "category": "writing", "turns": [QUESTION] * 2} for n in range(QUESTIONS))
    write_questions(root / "questions", "EN", asked)


def params_of(run: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Kind, parameters and settings of a run."""
    if run == "answer":
        params = {"languages": ["EN"], "systems": {"EN": ""}, "max_new_tokens": NEW_TOKENS, "dtype": "float32"}
        return "answer", params, {"batch_size": 64}
    params = {"steps": STEPS, "batch_size": BATCH, "learning_rate": 1e-4, "precision": "float32"}
    if run == "train lora":
        return "train", {**params, "method": "lora", "lora_rank": 16, "lora_alpha": 32, "lora_dropout": 0.0}, {}
    return "train", params, {"recompute": True} if run == "train again" else {}


def work(root: Path, run: str) -> None:
    """Do a run's job, and print its peak in bytes and the processor seconds of the job alone."""
    import importlib

    from tests.kit.model_jobs import model_context

    kind, params, settings = params_of(run)
    inputs = {
        "train": {"base": root / "base", "mix": root / "mix", "tokens:EN": root / "tokens" / "out"},
        "answer": {"model": root / "base", "questions": root / "questions"},
    }[kind]
    context = model_context(root / run, kind_of(kind).params(**params), inputs, settings=settings)
    job = importlib.import_module(f"jobs.{kind}.job")
    began = time.process_time()
    job.run(context)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"peak": peak, "seconds": seconds}))


def forecast(root: Path, name: str, run: str, resources: Resources | None = None) -> Forecast:
    """What the kind says of a run, from the model's configuration and the card of the token set."""
    kind, params, settings = params_of(run)
    declared = kind_of(kind)
    card = json.loads((root / "tokens" / "out" / "card.json").read_text())
    texts = Texts(rows=ROWS, answers=ROWS, **{key: card[key] for key in ("tokens", "loss_tokens", "longest")})
    model = Facts(shape=Shape.of_config({**config_of(name), "dtype": "float32"}))
    data = Facts(texts={"EN": texts})
    characters = 2.0 * len(QUESTION) * QUESTIONS
    asked = Facts(texts={"EN": Texts(rows=QUESTIONS, answers=2 * QUESTIONS, spread=1.0, characters=characters)})
    inputs = {
        "train": {"base": model, "mix": data, "tokens:EN": data},
        "answer": {"model": model, "questions": asked},
    }[kind]
    document = declared.params(**params).document()
    ask = Ask(
        stage=Stage(kind=kind, version=1, params=document),
        settings={"threads": 1, **settings},
        resources=resources or Resources(),
        device=cpu(1),
        inputs=inputs,
        sources=None,  # type: ignore[arg-type]
    )
    assert declared.estimate is not None
    return declared.estimate(ask)


def child(*arguments: str) -> str:
    """The last line that a process of this program prints."""
    command = [sys.executable, "-m", "tests.bench.cost_estimate", "--child", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout.strip().rpartition("\n")[2]


def main() -> None:
    """Print one line a run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--child", nargs="+")
    options = parser.parse_args()
    if options.child:
        root, what = Path(options.child[1]), options.child[2]
        (prepare if options.child[0] == "prepare" else work)(root, what)
        return
    print("model\trun\tpeak MiB\testimated\tratio\tseconds\testimated\tratio")
    for name in options.models or [*MODELS, *(LARGE if options.large else {})]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            child("prepare", folder, name)
            for run in RUNS:
                measured = json.loads(child("work", folder, run))
                said = forecast(root, name, run)
                peak, memory = measured["peak"] / 2**20, (said.memory_bytes or 0) / 2**20
                seconds = said.seconds or 0.0
                print(
                    f"{name}\t{run}\t{peak:.0f}\t{memory:.0f}\t{memory / peak:.2f}\t"
                    f"{measured['seconds']:.1f}\t{seconds:.1f}\t{seconds / measured['seconds']:.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
