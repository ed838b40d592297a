"""What training.json says of a run."""

from collections import Counter

from torch import nn

from jobs.train.batches import sequences
from jobs.train.checkpoint import History
from jobs.train.training import Trainer
from polyglot.core.records import UNSET, UnsetType
from polyglot.kinds.train import Packing, TrainingRecord


def describe(trainer: Trainer, history: History) -> TrainingRecord:
    """The document. What a run did without (packing, validation) is not in it."""
    samples, learnt = Counter[str](), Counter[str]()
    rows = tokens = places = 0
    for number in range(trainer.steps):
        step = trainer.order.step(number)
        if trainer.packed_tokens is not None:
            packed = sequences(trainer.mixture, step, trainer.packed_tokens)
            rows += len(packed)
            places += len(packed) * int(trainer.mixture.lengths[packed[-1]].sum())  # the longest is the last
            tokens += int(trainer.mixture.lengths[step].sum())
        for sample in step:
            language = trainer.mixture.languages[trainer.mixture.language[sample]]
            samples[language] += 1
            learnt[language] += int(trainer.mixture.supervised[sample])
    packing: Packing | UnsetType = UNSET
    if trainer.packed_tokens is not None:
        packing = Packing(
            sequence_tokens=trainer.packed_tokens,
            sequences=rows,
            tokens=tokens,
            efficiency=round(tokens / (rows * trainer.packed_tokens), 4),
            padded_efficiency=round(tokens / places, 4),  # when a step's sequences are padded to its longest
        )
    counted = _counted(trainer.model) if trainer.params.method == "lora" else {}
    return TrainingRecord(
        steps=trainer.steps,
        samples=trainer.order.total,
        samples_per_language=dict(samples),
        loss_tokens_per_language=dict(learnt),
        epochs=trainer.order.epochs,
        loss=tuple(history.losses),
        gradient_norm=tuple(history.norms),
        learning_rate=tuple(trainer.learning_rate(number) for number in range(trainer.steps)),
        final_loss=history.losses[-1],
        packing=packing,
        validation=tuple(history.validation) if history.validation else UNSET,
        **counted,
    )


def _counted(model: nn.Module) -> dict[str, int]:
    """Parameters of a frozen base model, and those of its adapter."""
    frozen, trained = (
        sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad is requires)
        for requires in (False, True)
    )
    return {"parameters": frozen, "trainable_parameters": trained}
