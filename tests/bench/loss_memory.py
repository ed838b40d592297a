"""What the loss over a large vocabulary holds: in parts, as it is computed by default, and all at once.

    python -m tests.bench.loss_memory [VOCABULARY …] [--tokens 4096] [--rounds 3] [--other CHECKOUT]

One forward and one backward pass of a layer of width 512 and its output layer, float32, one thread, half of the tokens
supervised. `model's own` is transformers' loss by labels, which holds the logits of all tokens; `there` is the loss of
another checkout, as it computes it by default. Every run is a process of its own, and the ways alternate; MiB are what
its largest resident size grew by, from before the pass.
"""

import argparse
import json
import statistics
from pathlib import Path

from tests.bench._sides import ROOT, took

WAYS = ("in parts", "at once", "model's own")


def main() -> None:
    """Print a line a vocabulary and way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("vocabularies", nargs="*", type=int, default=(32_000, 131_072, 250_680))
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--other", type=Path, help="another checkout, with its .venv")
    options = parser.parse_args()
    ways = {**dict.fromkeys(WAYS, ROOT), **({"there": options.other.resolve()} if options.other else {})}
    print("vocabulary   way               MiB   processor seconds   loss")
    for vocabulary in options.vocabularies:
        found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for _ in range(options.rounds):
            for way, place in ways.items():
                found[way].append(run(way, place, vocabulary, options.tokens))
        for way, runs in found.items():
            peak, seconds = (statistics.median(one[name] for one in runs) for name in ("grown", "seconds"))
            print(
                f"{vocabulary:10,}   {way:12} {peak / 2**20:8,.0f} {seconds:14.1f} {runs[0]['loss']:18.6f}", flush=True
            )


def run(way: str, place: Path, vocabulary: int, tokens: int) -> dict[str, float]:
    """One way, in a process of its own."""
    side = [str(place / ".venv/bin/python"), "-P", str(Path(__file__).with_name("_loss_side.py"))]
    found: dict[str, float] = json.loads(took([*side, way, str(vocabulary), str(tokens)], place, place).output)
    return found


if __name__ == "__main__":
    main()
