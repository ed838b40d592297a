"""Losses of a training by the book, and a trainer to compare with."""

from typing import Any

import torch
from accelerate import Accelerator
from torch.nn import functional

from jobs.train.mixture import Mixture
from jobs.train.training import Layout, Trainer
from polyglot.kinds.train import TrainParams


def trainer_of(model: Any, mixture: Mixture, limit: int, **changes: Any) -> Trainer:
    values = {"steps": 2, "batch_size": 6, "learning_rate": 1e-3, "precision": "float32", "gradient_clip": 0.0}
    params = TrainParams(**{**values, **changes})
    layout = Layout(micro_batch_tokens=limit, pad_id=2)
    return Trainer(model, mixture, params, seed=0, layout=layout, accelerator=Accelerator(cpu=True))


def reference_loss(model: Any, mixture: Mixture, samples: list[int]) -> float:
    return float(mean_loss(model, mixture, samples).item())


def mean_loss(model: Any, mixture: Mixture, samples: list[int]) -> torch.Tensor:
    """The mean over all supervised tokens, one sample at a time, with the full logits."""
    losses = []
    for number in samples:
        ids, loss = mixture.sample(number)
        logits = model(input_ids=torch.tensor([ids.tolist()])).logits[0, :-1]
        wanted = torch.tensor(loss[1:].copy())
        targets = torch.tensor(ids[1:].tolist())[wanted]
        losses.append(functional.cross_entropy(logits[wanted], targets, reduction="none"))
    return torch.cat(losses).mean()
