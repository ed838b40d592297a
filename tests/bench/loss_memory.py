"""What the loss over a large vocabulary holds: in parts, as it is computed by default, and all at once.

    python -m tests.bench.loss_memory [VOCABULARY …] [--tokens 4096] [--rounds 3]

One forward and one backward pass of a layer of width 512 and its output layer, float32, one thread, half of the tokens
supervised. `model's own` is transformers' loss by labels, which holds the logits of all tokens. Every run is a process
of its own, and the ways alternate; MiB are what its largest resident size grew by, from before the pass.
"""

import argparse
import json
import resource
import statistics
import time

from tests.bench._said import said_by

WAYS = ("in parts", "at once", "model's own")
HIDDEN = 512


def main() -> None:
    """Print a line a vocabulary and way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("vocabularies", nargs="*", type=int, default=(32_000, 131_072, 250_680))
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=2, help="a way and a vocabulary")
    options = parser.parse_args()
    if options.child:
        child(options.child[0], int(options.child[1]), options.tokens)
        return
    print("vocabulary   way               MiB   processor seconds   loss")
    for vocabulary in options.vocabularies:
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(options.rounds):
            for way in WAYS:
                found[way].append(run(way, vocabulary, options.tokens))
        for way, runs in found.items():
            peak, seconds = (statistics.median(one[name] for one in runs) for name in ("grown", "seconds"))
            print(
                f"{vocabulary:10,}   {way:12} {peak / 2**20:8,.0f} {seconds:14.1f} {runs[0]['loss']:18.6f}", flush=True
            )


def run(way: str, vocabulary: int, tokens: int) -> dict[str, float]:
    """One way, in a process of its own."""
    arguments = ["--tokens", str(tokens), "--child", way, str(vocabulary)]
    found: dict[str, float] = said_by("tests.bench.loss_memory", *arguments)
    return found


def child(way: str, vocabulary: int, tokens: int) -> None:
    """Be one run: a pass over few tokens first, so that what is set up once is not counted."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from jobs.lib.model.execution import return_large_blocks
    from jobs.train.batches import MicroBatch
    from jobs.train.head import TargetLoss

    return_large_blocks()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=HIDDEN,
            intermediate_size=HIDDEN,
            num_hidden_layers=1,
            num_attention_heads=8,
            vocab_size=vocabulary,
            max_position_embeddings=tokens,
        )
    )
    loss = None if way == "model's own" else TargetLoss(model, at_once=None if way == "in parts" else 2**40)

    def once(count: int) -> float:
        ids = torch.randint(0, vocabulary, (4, count // 4))
        places = torch.arange(count).reshape(4, -1)
        learnt = places[:, count // 8 : -1]  # the second half of each row
        if loss is None:
            labels = torch.full_like(ids, -100)
            labels[:, count // 8 + 1 :] = ids[:, count // 8 + 1 :]
            total = model(input_ids=ids, labels=labels, use_cache=False).loss
        else:
            batch = MicroBatch(ids, learnt.flatten(), ids.flatten()[learnt.flatten() + 1])
            total = loss(model, batch) / learnt.numel()
        total.backward()
        return float(total.detach())

    once(64)
    model.zero_grad(set_to_none=False)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    torch.manual_seed(1)
    said = once(tokens)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(json.dumps({"grown": grown, "seconds": time.process_time() - began, "loss": said}), flush=True)


if __name__ == "__main__":
    main()
