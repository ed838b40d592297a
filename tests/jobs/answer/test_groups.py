"""Which questions are answered at once: neighbours in length, few where they are long."""

import pytest

from jobs.answer.engines.transformers import group_sizes


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
