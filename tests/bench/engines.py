"""vLLM against our own loop, `generate` and continuous batching of transformers, on one model, on a processor.

    make vllm && python -m tests.bench.engines [--model DIR] [--dtype float32] [--conversations 400] [--new-tokens 32]

Each side is a process with one thread. Without --model a tiny one is trained for a moment. Printed are tokens a
processor second (answering alone, without the start), the share of greedy answers that are equal, and of the others how
close the two first differing tokens were: the difference of their logits, at float32, at the place where they part.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from jobs.lib.model.loading import load_model
from tests.bench.answer_throughput import NAMES, trained

ROOT = Path(__file__).parents[2]
ASKED = {
    "EN": ("write {} again", "And once more, please."),
    "DE": ("schreibe {} noch einmal", "Und noch einmal, bitte."),
    "FR": ("écris encore {}", "Et encore une fois."),
    "IT": ("scrivi ancora {}", "E ancora una volta."),
    "ES": ("escribe otra vez {}", "Y una vez más."),
}


def conversations(count: int) -> list[tuple[str, list[str]]]:
    """Two turns each, of several lengths, in five languages."""
    found = []
    for number in range(count):
        language = list(ASKED)[number % len(ASKED)]
        first, second = ASKED[language]
        words = " ".join(NAMES[(number * 7 + place * 3) % 10] for place in range(1 + number % 9))
        found.append((language, [first.format(words), f"{second} {number}"]))
    return found


def answered(side: str, task: Path, python: str) -> dict[str, Any] | None:
    """What a side made of the task; None where it could not be run."""
    out = task.with_name(f"{side}.json")
    command = [python, "-m", "tests.bench._engine_side", side, str(task), str(out)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        print(f"{side}: could not be run: {done.stderr.strip().splitlines()[-1:]}")
        return None
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def margins(model: Path, ours: dict[str, Any], theirs: dict[str, Any]) -> list[tuple[int, float]]:
    """Of answers to equal prompts that differ: the first place, and the logits' difference of the two tokens there."""
    loaded: Any = load_model(model, dtype=torch.float32, device=torch.device("cpu"))
    by_prompt = {tuple(prompt): ids for prompt, ids in theirs["answers"]}
    found = []
    for prompt, ids in ours["answers"]:
        other = by_prompt.get(tuple(prompt))
        if other is None or other == ids:
            continue
        place = next((n for n, (a, b) in enumerate(zip(ids, other, strict=False)) if a != b), None)
        if place is None:
            continue
        with torch.inference_mode():
            logits = loaded(torch.tensor([[*prompt, *ids[:place]]])).logits[0, -1]
        found.append((place, abs(float(logits[ids[place]] - logits[other[place]]))))
    return found


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--conversations", type=int, default=400)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--vllm", default=str(ROOT / ".polyglot/vllm/bin/python"))
    parser.add_argument("--sides", nargs="+", default=["transformers", "vllm", "generate", "continuous"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = (options.model or trained(Path(folder))).absolute()
        task = Path(folder) / "task.json"
        asked = {"model": str(model), "dtype": options.dtype, "batch": options.batch, "new_tokens": options.new_tokens}
        asked["conversations"] = conversations(options.conversations)
        task.write_text(json.dumps(asked), encoding="utf-8")
        found = {
            side: answered(side, task, options.vllm if side == "vllm" else sys.executable) for side in options.sides
        }
        for side, result in found.items():
            if result is not None:
                rate = result["tokens"] / result["seconds"]
                tokens, seconds = result["tokens"], result["seconds"]
                start = f"; its start {result['start_seconds']:.1f} s" if "start_seconds" in result else ""
                print(f"{side}: {tokens} tokens in {seconds:.1f} s of processor, {rate:.0f} a second{start}")
        ours, theirs = found.get("transformers"), found.get("vllm")
        if ours is None or theirs is None:
            return
        for turn in (0, 1):
            equal = [a[turn] == b[turn] for a, b in zip(ours["texts"], theirs["texts"], strict=True)]
            print(f"turn {turn + 1}: {sum(equal)} of {len(equal)} answers are equal")
        parted = margins(model, ours, theirs)
        print(f"answers to equal prompts that differ: {len(parted)}")
        for place, margin in sorted(parted, key=lambda one: one[1])[-10:]:
            print(f"  at token {place + 1}: the two logits differ by {margin:.4f}")


if __name__ == "__main__":
    main()
