"""Which questions are answered at once: neighbours in length, few where they are long."""

import pytest

from jobs.answer.engines.transformers import group_sizes, slot_group_sizes


@pytest.mark.parametrize(
    ("lengths", "size", "tokens", "groups"),
    [
        ((3, 3, 4, 4), 4, 16, [4]),
        ((3, 3, 4, 4), 4, 15, [3, 1]),  # 3 x 4 tokens, as the third is one of 4
        ((3, 3, 4, 4), 2, 1000, [2, 2]),
        ((1, 1, 1, 100), 256, 16, [3, 1]),
        ((100, 200), 256, 16, [1, 1]),  # what is too long for any group is one of its own
        ((), 256, 16, []),
    ],
)
def test_groups_are_bounded_by_number_and_by_padded_tokens(
    lengths: tuple[int, ...], size: int, tokens: int, groups: list[int]
) -> None:
    assert group_sizes(lengths, size, tokens) == groups


@pytest.mark.parametrize(
    ("count", "groups"),
    [
        (7, [1] * 7),
        (14, [1] * 14),
        (15, [2] * 7 + [1]),
        (16, [2] * 8),
        (24, [3] * 8),
        (28, [3] * 9 + [1]),
        (40, [4] * 10),
    ],
)
def test_groups_in_slots_are_larger_where_there_are_enough_of_them(count: int, groups: list[int]) -> None:
    assert slot_group_sizes([9] * count, 1, 1000) == groups
    assert slot_group_sizes([9] * count, 64, 9) == groups  # where memory bounds them
