"""A loss in parts has the value and the gradients, to the bit, that autograd finds for the parts one by one."""

import gc

import pytest
import torch
from torch import nn
from torch.nn import functional

from jobs.train.in_parts import loss_in_parts

AT_ONCE, DIVISOR = 3, 117


class Head:
    """Rows (10, 8) and an output layer of 50 words; `before` has the gradients that were alive before each part."""

    def __init__(self, *, bias: bool = True) -> None:
        torch.manual_seed(0)
        self.rows, self.layer = torch.randn(10, 8, requires_grad=True), nn.Linear(8, 50, bias=bias)
        self.targets = torch.randint(0, 50, (10,))
        self.before: list[int] = []

    def loss(self, logits: torch.Tensor, some: slice) -> torch.Tensor:
        large = [one for one in gc.get_objects() if type(one) in (torch.Tensor, nn.Parameter) and one.shape == (50, 8)]
        self.before.append(len({one.data_ptr() for one in large}))
        return functional.cross_entropy(logits.float(), self.targets[some], reduction="sum")

    def one_by_one(self) -> torch.Tensor:
        parts = [slice(first, first + AT_ONCE) for first in range(0, 10, AT_ONCE)]
        total = self.loss(self.layer(self.rows[parts[0]]), parts[0])
        for some in parts[1:]:
            total = total + self.loss(self.layer(self.rows[some]), some)
        return total

    def in_parts(self, gradient: float = 1.0) -> torch.Tensor:
        return loss_in_parts(self.layer, self.rows, self.loss, at_once=AT_ONCE, gradient=gradient)

    def gradients(self) -> list[torch.Tensor | None]:
        return [one.grad for one in (self.rows, *self.layer.parameters())]


def check(found: Head, expected: Head) -> None:
    """Their gradients have the same bits."""
    for one, other in zip(found.gradients(), expected.gradients(), strict=True):
        assert (one is None) == (other is None)
        assert one is None or other is None or torch.equal(one, other)


@pytest.mark.parametrize("bias", [False, True])
def test_value_and_gradients_have_the_bits_of_parts_one_by_one(bias: bool) -> None:
    one, other = Head(bias=bias), Head(bias=bias)
    (expected := one.one_by_one() / DIVISOR).backward()
    (found := other.in_parts(1 / DIVISOR) / DIVISOR).backward()
    assert torch.equal(found, expected)
    assert None not in other.gradients()
    check(other, one)


def test_no_part_is_computed_twice_and_each_lets_go_of_its_gradient() -> None:
    head = Head()
    head.in_parts().backward()
    assert len(head.before) == 4
    assert len(set(head.before[1:])) == 1


@pytest.mark.parametrize("gradient", [1.0, 0.3])
def test_another_gradient_than_the_one_that_was_told_scales_them(gradient: float) -> None:
    one, other = Head(), Head()
    (one.one_by_one() * 3).backward()
    (other.in_parts(gradient) * 3).backward()
    for mine, theirs in zip(other.gradients(), one.gradients(), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_gradients_are_added_to_those_of_earlier_batches() -> None:
    one, other = Head(), Head()
    for _ in range(2):
        one.one_by_one().backward()
        other.in_parts().backward()
    check(other, one)


@pytest.mark.parametrize("frozen", ["rows", "layer"])
def test_what_does_not_learn_has_no_gradient(frozen: str) -> None:
    """An output layer that LoRA leaves as it is; a model of which nothing else learns."""
    one, other = Head(), Head()
    for head in (one, other):
        getattr(head, frozen).requires_grad_(False)
    one.one_by_one().backward()
    other.in_parts().backward()
    assert None in other.gradients()
    check(other, one)


def test_without_gradients_it_is_the_sum_alone() -> None:
    head = Head()
    with torch.no_grad():
        assert torch.equal(head.in_parts(), head.one_by_one())
    for one in (head.rows, head.layer):
        one.requires_grad_(False)
    assert torch.equal(head.in_parts(), head.one_by_one())


def test_gradients_are_handed_on_once() -> None:
    total = Head().in_parts()
    total.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="handed on already"):
        total.backward()


def test_under_autocast_the_loss_is_float32_and_gradients_are_those_of_one_pass() -> None:
    """Products are bfloat16 there, sums of few parts too."""
    one, other = Head(), Head()
    with torch.autocast("cpu", torch.bfloat16):
        expected, found = one.one_by_one(), other.in_parts()
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
    expected.backward()
    found.backward()
    for mine, theirs in zip(other.gradients(), one.gradients(), strict=True):
        assert mine is not None
        assert mine.dtype == torch.float32
        torch.testing.assert_close(mine, theirs, rtol=0.02, atol=0.02)
