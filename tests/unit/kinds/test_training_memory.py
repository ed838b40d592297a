"""What a training holds, by hand."""

from dataclasses import replace

import pytest

from polyglot.kinds.device import GPUS, gpu_of
from polyglot.kinds.shape import Shape
from polyglot.kinds.training import adapter_parameters, training_memory, training_operations, training_seconds

SEVEN = Shape(
    layers=32, hidden=4096, intermediate=11008, heads=32, kv_heads=32, head_size=128, vocabulary=32000, tied=False
)


def test_seven_billion_parameters_hold_16_bytes_each_and_two_more_where_products_are_in_bfloat16() -> None:
    assert SEVEN.parameters == 6_738_415_616  # Llama 2 7B
    for half, each in ((False, 16), (True, 18)):
        held = training_memory(SEVEN, tokens=0, targets=0, half=half, recompute=0)
        assert sum(held.values()) == each * SEVEN.parameters
        assert held["optimiser"] == 8 * SEVEN.parameters


def test_logits_are_12_bytes_a_target_and_word_and_14_in_bfloat16() -> None:
    for half, each in ((False, 12), (True, 14)):
        held = training_memory(SEVEN, tokens=0, targets=1000, half=half, recompute=0)
        assert held["logits"] == each * 1000 * 32000


def test_over_ranks_the_state_is_spread_and_what_is_fetched_comes_on_top() -> None:
    one, eight = (
        training_memory(SEVEN, tokens=1000, targets=100, half=True, recompute=32, ranks=ranks) for ranks in (1, 8)
    )
    assert eight["weights"] + eight["gradients"] + eight["optimiser"] == 16 * SEVEN.parameters // 8
    assert eight["activations"] == one["activations"]
    layer = (SEVEN.parameters - 2 * 32000 * 4096) // 32
    assert eight["fetched"] == 2 * (2 * layer + 2 * 32000 * 4096) + 12 * layer
    assert "fetched" not in one


def test_recomputing_keeps_one_layer_and_the_stream() -> None:
    whole, again = (training_memory(SEVEN, tokens=1000, targets=0, half=False, recompute=r) for r in (0, 32))
    layer = whole["activations"] / 32
    assert again["activations"] == pytest.approx(layer + 1.1 * 1000 * 32 * 4096 * 4, rel=1e-6)


def test_a_token_costs_six_operations_a_weight_and_the_head_only_where_there_is_a_target() -> None:
    h100 = GPUS["h100"]
    assert h100.reached == 989e12 * 0.25
    found = training_seconds(SEVEN, h100, steps=0, tokens=1e6, targets=0)
    assert found == pytest.approx(6 * SEVEN.multiplied * 1e6 / h100.reached)
    more = training_seconds(SEVEN, h100, steps=0, tokens=1e6, targets=1e6)
    assert more - found == pytest.approx(6 * 32000 * 4096 * 1e6 / h100.reached)
    assert training_seconds(SEVEN, h100, steps=0, tokens=1e6, targets=0, recomputed=1) == pytest.approx(found * 4 / 3)


def test_operations_are_those_of_the_time_and_attention_grows_with_the_length() -> None:
    h100 = GPUS["h100"]
    seconds = training_seconds(SEVEN, h100, steps=0, tokens=1e6, targets=5e5, length=700, adapter=1000)
    operations = training_operations(SEVEN, tokens=1e6, targets=5e5, length=700, adapter=1000)
    assert seconds == operations / h100.reached
    longer = training_operations(SEVEN, tokens=1, targets=0, length=2048) - training_operations(
        SEVEN, tokens=1, targets=0
    )
    assert longer == 6 * 32 * 4096 * 2048  # half of 12 L H Q T: a token sees those before it


@pytest.mark.parametrize(
    ("cuda", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA H200", "h200"),
        ("NVIDIA A100-SXM4-40GB", "a100-40gb"),
        ("NVIDIA A100 80GB PCIe", "a100"),
        ("NVIDIA L40S", "l40s"),
        ("NVIDIA H100 PCIe", None),  # a chip of another peak
        ("NVIDIA A10G", None),
        ("NVIDIA GeForce RTX 4090", None),
    ],
)
def test_a_gpu_is_known_by_what_cuda_calls_it(cuda: str, name: str | None) -> None:
    assert gpu_of(cuda) == (GPUS[name] if name else None)


def test_of_frozen_weights_there_are_neither_gradients_nor_moments() -> None:
    adapter = adapter_parameters(SEVEN, 16, None)
    assert adapter == 39_976_960  # what peft puts into Llama 2 7B with rank 16 on all linear layers
    held = training_memory(SEVEN, tokens=0, targets=0, half=False, recompute=0, adapter=adapter)
    assert held["weights"] == 4 * (SEVEN.parameters + adapter)
    assert (held["gradients"], held["optimiser"]) == (4 * adapter, 8 * adapter)
    whole, frozen = (
        training_seconds(SEVEN, GPUS["h100"], steps=0, tokens=1e6, targets=1e6, adapter=trained)
        for trained in (None, 0)
    )
    assert frozen == pytest.approx(whole * 4 / 6)


def test_an_adapter_is_counted_by_its_layers() -> None:
    assert adapter_parameters(SEVEN, 64, ["q_proj", "v_proj"]) == 64 * 32 * 2 * (4096 + 4096)
    assert adapter_parameters(SEVEN, 1, ["3.self_attn.query_key_value"]) == 32 * (4096 + 3 * 4096)
    mixture = replace(SEVEN, experts=8, experts_at_once=2)
    assert adapter_parameters(mixture, 1, None) == 4 * 32 * (4096 + 4096)  # attention alone
