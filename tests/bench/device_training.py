"""Steps of a 1B and an 8B Llama and of a small Mixtral on a GPU: tokens a second, MFU, TRL beside it, and a profile.

    python -m tests.bench.device_training [MODEL ...] [--rounds 3] [--steps 8] [--no-trl]

What a device reaches is measured in the same minutes: products of matrices of the model's own sizes, in bfloat16 on a
GPU, for two seconds before and two after the steps. MFU here is the operations that the model asks for (PaLM, arXiv
2204.02311, appendix B) over the seconds and that rate; the aim is 50 %, and 1.2 times TRL's tokens a second. The last
lines of a model say where the time of two steps and of what is tried before them goes, by torch's profiler. Rows and
steps are those of `training_steps`, packed, each side a process of its own. On one GPU or, without one, on a processor
in float32, where models of a thousandth of the size show that the program runs: their figures mean nothing.
"""

import argparse
import json
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from polyglot.kinds.shape import Shape
from polyglot.kinds.training import training_operations
from tests.bench._said import said_by
from tests.bench.training_steps import USUAL, made_rows, ours, theirs

LLAMA, MIXTRAL = "llama", "mixtral"
SIZES = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
MODELS: dict[str, tuple[str, tuple[int, ...], int, dict[str, Any], str]] = {
    # family, sizes, vocabulary, more of its configuration, optimiser
    "1B": (LLAMA, (2048, 8192, 16, 32, 8), 128_256, {"tie_word_embeddings": True}, "adamw"),
    "8B": (LLAMA, (4096, 14336, 32, 32, 8), 128_256, {}, "adamw-8bit"),
    "mixtral": (MIXTRAL, (1024, 3584, 12, 16, 8), 32_000, {"num_local_experts": 8, "num_experts_per_tok": 2}, "adamw"),
    "tiny": (LLAMA, (64, 256, 4, 4, 2), 2_048, {"tie_word_embeddings": True}, "adamw"),
    "tiny mixtral": (MIXTRAL, (64, 128, 2, 4, 2), 2_048, {"num_local_experts": 4, "num_experts_per_tok": 2}, "adamw"),
}
GPU_MODELS, CPU_MODELS = ("1B", "8B", "mixtral"), ("tiny", "tiny mixtral")
OPTIMIZERS = {"adamw": "adamw_torch_fused", "adamw-8bit": "adamw_torch_8bit"}  # as TRL calls them
GEMM_SECONDS, GEMM_TOKENS = 2.0, {True: 8192, False: 512}
DEAREST = 10


def main() -> None:
    """Print a line a model, and where its time goes."""
    import torch

    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", default=GPU_MODELS if gpu else CPU_MODELS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--no-trl", action="store_true")
    parser.add_argument("--child", nargs=2, help="a side and a model")
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(*options.child, steps=options.steps, gpu=gpu)), flush=True)
        return
    print(f"on {torch.cuda.get_device_name() if gpu else 'a processor: the figures mean nothing'}")
    sides = ("ours",) if options.no_trl else ("ours", "TRL")
    for name in options.models:
        rounds = [{side: run(side, name, options.steps) for side in sides} for _ in range(options.rounds)]
        print(line(name, rounds), flush=True)
        print("\n".join(f"    {row}" for row in rounds[-1]["ours"]["profile"]), flush=True)


def run(side: str, name: str, steps: int) -> dict[str, Any]:
    """One side of one round, in a process of its own."""
    found: dict[str, Any] = said_by("tests.bench.device_training", "--steps", str(steps), "--child", side, name)
    return found


def line(name: str, rounds: list[dict[str, dict[str, Any]]]) -> str:
    """Medians of the rounds, and the ratio of alternating runs."""

    def middle(side: str, what: str) -> float:
        return statistics.median(one[side][what] for one in rounds)

    said = (
        f"{name:13} ours {middle('ours', 'rate'):10,.0f} tokens/s  MFU {middle('ours', 'mfu'):5.1%} of "
        f"{middle('ours', 'gemm') / 1e12:.2f} TFLOP/s  peak {middle('ours', 'peak') / 2**30:.1f} GiB"
    )
    if "TRL" not in rounds[0]:
        return said
    ratio = statistics.median(one["ours"]["rate"] / one["TRL"]["rate"] for one in rounds)
    return f"{said}  TRL {middle('TRL', 'rate'):10,.0f}  MFU {middle('TRL', 'mfu'):5.1%}  ratio {ratio:.2f}"


def child(side: str, name: str, *, steps: int, gpu: bool) -> dict[str, Any]:
    """Measure one side: the device's own rate, the steps, the rate again."""
    import torch

    warnings.simplefilter("ignore")
    *_, vocabulary, _, optimizer = MODELS[name]
    config, rows = config_of(name), made_rows(vocabulary, steps)
    torch.manual_seed(0)
    net, before = made(config), gemm(config, gpu=gpu)
    more = {"optimizer": optimizer} if side == "ours" else {"optim": OPTIMIZERS[optimizer]}
    profiled: list[str] = []
    with tempfile.TemporaryDirectory(prefix="device-training-") as folder:
        work = ours if side == "ours" else theirs
        tokens, seconds, _ = work(net, rows, steps, True, Path(folder), gpu=gpu, **more)
        if side == "ours":
            profiled = profile(lambda: work(net, rows, 1, True, Path(folder), gpu=gpu, **more), gpu=gpu)
    reached = (before + gemm(config, gpu=gpu)) / 2
    lengths = [len(row) for row in rows]
    asked = training_operations(
        Shape.of_config(config.to_dict()),
        tokens=tokens,
        targets=tokens / 2,
        length=sum(one * one for one in lengths) / sum(lengths),
    )
    return {
        "rate": tokens / seconds,
        "mfu": asked / seconds / reached,
        "gemm": reached,
        "peak": torch.cuda.max_memory_allocated() if gpu else 0,
        "profile": profiled,
    }


def config_of(name: str) -> Any:
    """The configuration of a model."""
    from transformers import LlamaConfig, MixtralConfig

    family, sizes, vocabulary, more, _ = MODELS[name]
    return {LLAMA: LlamaConfig, MIXTRAL: MixtralConfig}[family](
        **dict(zip(SIZES, sizes, strict=True)), **more, **USUAL, vocab_size=vocabulary
    )


def made(config: Any) -> Any:
    """A model with random weights in float32, on the GPU where there is one."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        return AutoModelForCausalLM.from_config(config)


def gemm(config: Any, *, gpu: bool) -> float:
    """Operations a second that the device reaches on products of the feed-forward layer's sizes."""
    import torch

    device, dtype = ("cuda", torch.bfloat16) if gpu else ("cpu", torch.float32)
    sizes = GEMM_TOKENS[gpu], config.hidden_size, config.intermediate_size
    left, right = torch.randn(sizes[:2], device=device, dtype=dtype), torch.randn(sizes[1:], device=device, dtype=dtype)
    wait = torch.cuda.synchronize if gpu else lambda: None
    for _ in range(3):
        left @ right
    wait()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < GEMM_SECONDS:
        for _ in range(10):
            left @ right
        wait()
        count += 10
    return 2.0 * sizes[0] * sizes[1] * sizes[2] * count / (time.perf_counter() - began)


def profile(step: Any, *, gpu: bool) -> list[str]:
    """The dearest operations of what a call does, and their shares of the time of all."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    with profiler(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if gpu else [])]) as found:
        step()
    rows = [
        (row.self_device_time_total if gpu else row.self_cpu_time_total, row.key, row.count)
        for row in found.key_averages()
    ]
    total = sum(time for time, *_ in rows) or 1
    return [f"{time / total:6.1%}  {name[:60]} ({count} times)" for time, name, count in sorted(rows)[-DEAREST:][::-1]]


if __name__ == "__main__":
    main()
