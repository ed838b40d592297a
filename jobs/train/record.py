"""What training.json says of a run."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from jobs.train.batches import sequences
from jobs.train.training import Trainer


def describe(trainer: Trainer, losses: Sequence[float], validation: Sequence[dict[str, Any]]) -> dict[str, Any]:
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
    record: dict[str, Any] = {
        "steps": trainer.steps,
        "samples": trainer.order.total,
        "samples_per_language": dict(samples),
        "loss_tokens_per_language": dict(learnt),
        "epochs": trainer.order.epochs,
        "loss": list(losses),
        "learning_rate": [trainer.learning_rate(number) for number in range(trainer.steps)],
        "final_loss": losses[-1],
    }
    if trainer.packed_tokens is not None:
        record["packing"] = {
            "sequence_tokens": trainer.packed_tokens,
            "sequences": rows,
            "tokens": tokens,
            "efficiency": round(tokens / (rows * trainer.packed_tokens), 4),
            "padded_efficiency": round(tokens / places, 4),  # when a step's sequences are padded to its longest
        }
    if validation:
        record["validation"] = list(validation)
    return record
