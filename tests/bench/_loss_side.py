"""One way of the benchmark `loss_memory`, by the code of whatever checkout is imported, b263a01 or later.

    PYTHONPATH=CHECKOUT CHECKOUT/.venv/bin/python -P tests/bench/_loss_side.py WAY VOCABULARY TOKENS

Prints one JSON document.
"""

import json
import resource
import sys
import time
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from jobs.lib.model import execution

try:
    from jobs.train.batches import MicroBatch
    from jobs.train.head import TargetLoss
except ModuleNotFoundError:  # before each kind had a folder
    from jobs.lib.model.batches import MicroBatch  # type: ignore[import-not-found, no-redef, unused-ignore]
    from jobs.lib.model.head import TargetLoss  # type: ignore[import-not-found, no-redef, unused-ignore]

HIDDEN = 512


def main(way: str, vocabulary: int, tokens: int) -> None:
    """Be one run: a pass over few tokens first, so that what is set up once is not counted."""
    getattr(execution, "return_large_blocks", lambda: None)()  # as a training does, where it knows how
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
    all_at_once: dict[str, Any] = {"at_once": 2**40} if way == "at once" else {}
    loss = None if way == "model's own" else TargetLoss(model, **all_at_once)

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
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
