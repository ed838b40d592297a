"""Moments in 8 bits become numbers and the same codes again."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchao.optim.quant_utils import scale_tensor
from torchao.optim.subclass_8bit import OptimState8bit

from jobs.train.optimizers import in_float32, put_back


def coded(numbers: torch.Tensor, *, signed: bool) -> OptimState8bit:
    made = OptimState8bit.zeros(numbers.shape, signed, 256, "cpu", dtype=torch.float32)
    made.copy_(numbers)
    return made


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), exponent=st.integers(-30, 3), signed=st.booleans())
def test_with_their_scales_numbers_become_the_codes_that_they_were(seed: int, exponent: int, signed: bool) -> None:
    """Of blocks whose largest number is negative or below the least scale (1e-12) as well."""
    numbers = torch.randn(16, 512, generator=torch.Generator().manual_seed(seed)) * 10.0**exponent
    before = coded(numbers if signed else numbers.square(), signed=signed)
    again = OptimState8bit.zeros(before.shape, signed, 256, "cpu", dtype=torch.float32)
    put_back(again, in_float32(before), before.scale)
    assert torch.equal(again.codes, before.codes)
    assert torch.equal(again.scale, before.scale)


def test_every_code_comes_back() -> None:
    for signed in (True, False):
        before = OptimState8bit.zeros((64, 256), signed, 256, "cpu", dtype=torch.float32)
        before.codes.copy_(torch.arange(256, dtype=torch.uint8).expand(64, 256))
        before.scale.copy_(torch.logspace(-12, 3, 64))
        again = OptimState8bit.zeros((64, 256), signed, 256, "cpu", dtype=torch.float32)
        put_back(again, in_float32(before), before.scale)
        assert torch.equal(again.codes, before.codes)


def test_without_scales_they_are_found_where_the_largest_number_is_positive_alone() -> None:
    """Why scales are kept: 1.0 has a code and -1.0 has none."""
    numbers = torch.linspace(-0.5, 1.0, 256).repeat(16, 1)
    for factor, is_same in ((1.0, True), (-1.0, False)):
        before = coded(numbers * factor, signed=True)
        _, scale = scale_tensor(in_float32(before), 256)
        assert torch.equal(scale, before.scale) == is_same
        again = OptimState8bit.zeros(before.shape, True, 256, "cpu", dtype=torch.float32)  # noqa: FBT003 - torchao's
        put_back(again, in_float32(before), None)
        assert torch.equal(in_float32(again), in_float32(before)) == is_same
        assert in_float32(again).numpy() == pytest.approx(in_float32(before).numpy(), abs=0.02)
