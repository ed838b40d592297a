"""The loss on rows that nothing is trained on, language by language: those of the mix and those outside of it alike."""

from collections.abc import Mapping
from contextlib import nullcontext

import torch

from jobs.lib.token_set import TokenSet
from jobs.train.batches import micro_batches
from jobs.train.passes import Passes
from jobs.train.sharding import release
from jobs.train.training import Trainer
from polyglot.kinds.train import ValidationLoss


def validate(trainer: Trainer, sets: Mapping[str, TokenSet]) -> dict[str, ValidationLoss]:
    """Return the loss of each language. A collective.

    Each sample has a sequence of its own, however the training lays them out. `loss` is None without supervised tokens.
    """
    found = {}
    trainer.model.eval()
    try:
        with torch.no_grad():
            for language, tokens in sets.items():
                trainer.pulse.at("validation")
                count = int(tokens.supervised.sum())
                total = _total(trainer, tokens) if count else 0.0
                loss = total / count if count else None
                found[language] = ValidationLoss(loss=loss, tokens=count, rows=len(tokens))
    finally:
        trainer.model.train()
        release(trainer.model)
    return found


def _total(trainer: Trainer, tokens: TokenSet) -> float:
    device = trainer.device
    total = torch.zeros((), dtype=torch.float64, device=device)
    batches = micro_batches(
        tokens,
        range(len(tokens)),
        max_tokens=trainer.layout.micro_batch_tokens,
        pad_id=trainer.layout.pad_id,
        rank=trainer.rank,
        ranks=trainer.ranks,
    )
    with Passes(trainer.pulse, trainer.event, name="validation") as passes:
        for batch in batches:
            passes.begin()
            with torch.autocast("cuda", torch.bfloat16) if trainer.half else nullcontext():
                total += trainer.loss(trainer.model, batch.to(device)).double()
            passes.end()
    return float(trainer.accelerator.reduce(total, "sum") if trainer.ranks > 1 else total)
