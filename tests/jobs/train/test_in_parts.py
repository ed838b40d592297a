"""A sum over parts has the value and the gradients, to the bit, that autograd finds for the parts one by one."""

import pytest
import torch
from torch.nn import functional

from jobs.train.in_parts import summed

AT_ONCE, DIVISOR = 3, 117


class Head:
    """Rows (10, 8) and an output layer of 50 words; `calls` counts the parts that were computed."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.rows, self.weight = torch.randn(10, 8, requires_grad=True), torch.randn(50, 8, requires_grad=True)
        self.unused = torch.randn(2, requires_grad=True)
        self.targets = torch.randint(0, 50, (10,))
        self.calls = 0

    def part(self, rows: torch.Tensor, some: slice) -> torch.Tensor:
        self.calls += 1
        return functional.cross_entropy(rows @ self.weight.T, self.targets[some], reduction="sum")

    def one_by_one(self) -> torch.Tensor:
        parts = [slice(first, first + AT_ONCE) for first in range(0, 10, AT_ONCE)]
        total = self.part(self.rows[parts[0]], parts[0])
        for some in parts[1:]:
            total = total + self.part(self.rows[some], some)
        return total

    def summed(self, gradient: float) -> torch.Tensor:
        learn = [one for one in (self.weight, self.unused) if one.requires_grad]
        return summed(self.part, self.rows, learn, at_once=AT_ONCE, gradient=gradient)

    def gradients(self) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        return self.rows.grad, self.weight.grad


def test_value_and_gradients_have_the_bits_of_parts_one_by_one() -> None:
    one, other = Head(), Head()
    (expected := one.one_by_one() / DIVISOR).backward()
    (found := other.summed(1 / DIVISOR) / DIVISOR).backward()
    assert torch.equal(found, expected)
    for mine, theirs in zip(other.gradients(), one.gradients(), strict=True):
        assert mine is not None
        assert theirs is not None
        assert torch.equal(mine, theirs)
    assert other.unused.grad is None


def test_no_part_is_computed_twice() -> None:
    head = Head()
    head.summed(1.0).backward()
    assert head.calls == 4


@pytest.mark.parametrize("gradient", [1.0, 0.25])
def test_another_gradient_than_the_one_that_was_told_scales_them(gradient: float) -> None:
    one, other = Head(), Head()
    (one.one_by_one() * 3).backward()
    (other.summed(gradient) * 3).backward()
    for mine, theirs in zip(other.gradients(), one.gradients(), strict=True):
        assert mine is not None
        assert theirs is not None
        torch.testing.assert_close(mine, theirs)


def test_gradients_are_added_to_those_of_earlier_batches() -> None:
    head = Head()
    head.summed(1.0).backward()
    assert head.weight.grad is not None
    once = head.weight.grad.clone()
    head.summed(1.0).backward()
    assert torch.equal(head.weight.grad, 2 * once)


@pytest.mark.parametrize("frozen", ["rows", "weight"])
def test_what_does_not_learn_has_no_gradient(frozen: str) -> None:
    """An output layer that LoRA leaves as it is; a model of which nothing else learns."""
    one, other = Head(), Head()
    for head in (one, other):
        getattr(head, frozen).requires_grad_(False)
    one.one_by_one().backward()
    other.summed(1.0).backward()
    for mine, theirs in zip(other.gradients(), one.gradients(), strict=True):
        assert (mine is None) == (theirs is None)
        assert mine is None or theirs is None or torch.equal(mine, theirs)


def test_without_gradients_it_is_the_sum_alone() -> None:
    head = Head()
    with torch.no_grad():
        found = head.summed(1.0)
    assert not found.requires_grad
    assert torch.equal(found, head.one_by_one())
