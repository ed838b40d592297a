"""What answers hold: a cache is as wide as its longest, so unequal questions need more than equal ones."""

from dataclasses import replace
from typing import Any, cast

import pytest

from polyglot.core.stage import Resources, Stage
from polyglot.kinds.answer import KIND, AnswerParams
from polyglot.kinds.device import GPUS, Device, cpu
from polyglot.kinds.forecast import Ask, Facts, Forecast, Sources, Texts
from polyglot.kinds.shape import Shape

SHAPE = Shape(
    layers=30, hidden=576, intermediate=1536, heads=9, kv_heads=3, head_size=64, vocabulary=49152, tied=True,
    positions=8192,
)  # fmt: skip
PARAMS = AnswerParams(languages=("EN",), systems={"EN": ""}, max_new_tokens=32, temperatures={})
CHARACTERS = 700.0  # a question of two turns: (700 / 2) / 3.5 + 12 = 112 tokens for the first prompt


def forecast(
    rows: float,
    spread: float | None,
    size: int = 256,
    *,
    gpus: int = 0,
    device: Device | None = None,
    shape: Shape = SHAPE,
    **settings: Any,
) -> Forecast:
    asked = Facts(texts={"EN": Texts(rows=rows, characters=rows * CHARACTERS, spread=spread)})
    return KIND.estimate(
        Ask(
            stage=Stage(kind="answer", version=1, params=PARAMS.document()),
            settings={"batch_size": size, **settings},
            resources=Resources(gpus=gpus),
            device=device or cpu(1),
            inputs={"model": Facts(shape=shape), "questions": asked},
            sources=cast(Sources, None),  # nothing outside is looked at
        )
    )


def test_equal_questions_hold_the_cache_of_their_own_lengths() -> None:
    held = forecast(100, 1.0).memory
    place = 2 * 112 + 32 + 32  # both turns, the first answer, and the second
    per_token = 2 * 30 * 3 * 64 * 2  # keys and values of every layer, in bfloat16
    assert held["cache"] == pytest.approx(100 * place * per_token * (1 + 1 / 30), rel=1e-6)
    assert held["logits"] == 100 * 49152 * 4 * 3
    assert held["weights"] == pytest.approx(134.5e6 * 2, rel=0.01)


def test_unequal_questions_hold_more_and_the_unknown_are_as_unequal_as_mt_bench_s() -> None:
    equal, unequal, unknown = (forecast(100, spread) for spread in (1.0, 7.0, None))
    assert unequal.memory == unknown.memory
    assert 2 < unequal.memory["activations"] / equal.memory["activations"] < 3.7
    assert unequal.seconds == equal.seconds  # padding is not computed


def test_vllm_takes_its_share_of_a_gpu_and_what_does_not_fit_it_is_more_than_there_is() -> None:
    on = GPUS["h100"]
    held = forecast(100, 1.0, engine="vllm", gpus=2, device=on).memory
    assert sum(held.values()) == int(0.9 * on.memory_bytes)
    assert held["weights"] == pytest.approx(134.5e6, rel=0.01)  # half of them
    less = forecast(100, 1.0, engine="vllm", gpus=2, device=on, memory_share=0.5).memory
    assert sum(less.values()) == int(0.5 * on.memory_bytes)
    large = replace(SHAPE, layers=5000)  # 36 GB, of which a tenth of a GPU has no room
    assert sum(forecast(1, 1.0, shape=large, engine="vllm", gpus=1, device=on, memory_share=0.1).memory.values()) > (
        on.memory_bytes
    )


def test_a_group_is_bounded_however_many_questions_there_are() -> None:
    few, many = (forecast(rows, 1.0, size=10_000).memory for rows in (146, 14_600))
    assert few["cache"] == many["cache"]  # 16,384 // 112
