"""How long a training is forecast to take, by hand."""

from dataclasses import replace
from typing import Any, cast

import pytest

from polyglot.core.stage import Resources, Stage
from polyglot.kinds.device import GPUS, Device, cpu
from polyglot.kinds.forecast import Ask, Facts, Sources, Texts
from polyglot.kinds.shape import Shape
from polyglot.kinds.train import KIND, TrainParams
from polyglot.kinds.training import reading_operations

SMALL = Shape(layers=4, hidden=256, intermediate=512, heads=4, kv_heads=4, head_size=64, vocabulary=32000, tied=True)
HELD_BACK = Texts(rows=50, tokens=10_000, loss_tokens=6_000, longest=300)


def seconds(held_back: int, *, device: Device | None = None, pods: int = 1, **params: Any) -> float:
    """Of eight steps over two mixed languages, with so many languages held back; two processes of a pod."""
    recipe = TrainParams(**{"steps": 8, "batch_size": 4, "learning_rate": 1e-4, **params})
    assert KIND.estimate is not None
    forecast = KIND.estimate(
        Ask(
            stage=Stage(kind="train", version=1, params=recipe.document()),
            settings={"processes": 2},
            resources=Resources(gpus=0 if device is None else 2, ranks=pods),
            device=device or cpu(1),
            inputs={
                "base": Facts(shape=SMALL),
                "mix": Facts(texts={"EN": HELD_BACK, "DE": HELD_BACK}),
                **{f"validation:{number}": Facts(texts={"EN": HELD_BACK}) for number in range(held_back)},
            },
            sources=cast(Sources, None),  # nothing outside is looked at
        )
    )
    return forecast.seconds or 0.0


@pytest.mark.parametrize(("every", "looks"), [(None, 1), (4, 2), (3, 3), (8, 1)])
def test_rows_held_back_are_read_forwards_as_often_as_they_are_looked_at(every: int | None, looks: int) -> None:
    once = reading_operations(SMALL, tokens=10_000, targets=6_000, length=200) / cpu(1).reached
    more = seconds(3, validate_every=every) - seconds(0, validate_every=every)
    assert more == pytest.approx(looks * 3 * once / 2)  # two processes share them


def test_a_network_that_is_slower_than_the_looks_is_waited_for_once_a_pass() -> None:
    slow = replace(GPUS["h100"], network_bytes_per_second=1e6)
    found = seconds(3, device=slow, pods=2, precision="float32") - seconds(0, device=slow, pods=2, precision="float32")
    fetched = 4 * SMALL.parameters / 2 / (1e6 * 0.7)  # forwards, half of it lies with the other pod
    assert found == pytest.approx(3 * fetched)


def test_looks_are_counted_in_whole_steps() -> None:
    """1.1 epochs of 100 rows in steps of ten are eleven steps, and not eleven and a rounding error."""
    once = seconds(3, steps=None, epochs=1.1, batch_size=10) - seconds(0, steps=None, epochs=1.1, batch_size=10)
    more = {"steps": None, "epochs": 1.1, "batch_size": 10, "validate_every": 11}
    assert seconds(3, **more) - seconds(0, **more) == pytest.approx(once)


def test_a_forward_pass_multiplies_each_weight_once_and_logits_are_of_targets_alone() -> None:
    found = reading_operations(SMALL, tokens=100, targets=60)
    assert found == 2 * (100 * SMALL.multiplied + 60 * 32000 * 256)
