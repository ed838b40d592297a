"""Which of several ends is that of a pod."""

import pytest

from jobs.worker.group import End, decisive


def ends(*statuses: int, killed: int | None = None) -> list[End]:
    """Of ranks in this order, the last of which may have been killed by its group."""
    return [End(rank=rank, status=status, killed=rank == killed) for rank, status in enumerate(statuses)]


@pytest.mark.parametrize(
    ("statuses", "rank"),
    [
        ((0, 0), 0),
        ((43, 43), 0),
        ((43, 1), 1),  # not all have saved
        ((1, 43), 0),
        ((1, 42), 1),  # what its peer made of it came first
        ((1, 44), 1),
        ((44, 42), 1),
        ((43, 124), 1),  # asked to stop by the one whose deadline it was
        ((1, 45), 1),
        ((-9, 1), 0),
        ((7, -9), 0),
        ((-11, 0), 1),  # the manifest stands
    ],
)
def test_the_cause_comes_before_what_others_made_of_it(statuses: tuple[int, ...], rank: int) -> None:
    assert decisive(ends(*statuses)).rank == rank


def test_one_that_the_group_had_to_kill_is_no_cause() -> None:
    assert decisive(ends(43, -9, killed=1)).status == 43
    assert decisive(ends(-6, -9, killed=1)).status == -6
    assert decisive(ends(-9, killed=0)).status == -9
