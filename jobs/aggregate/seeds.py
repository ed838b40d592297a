"""What the arms of a contrast share of their spread between seeds with all arms of their model, data set and size.

A contrast within such a group borrows from it (`jobs.lib.stats.sharing`). One across groups, or against what is not
tuned, does not: what a seed does to a whole group alike is in it once, and the group cannot tell how much that is.
"""

from collections.abc import Sequence
from math import isnan
from typing import NamedTuple

from jobs.aggregate.arms import Arm, Averages
from polyglot.core.detectable import SeedError


class SideErrors(NamedTuple):
    """The parts of the standard error that a contrast has by the seeds of either side."""

    treatment: tuple[SeedError, ...]
    control: tuple[SeedError, ...]


def side_errors(
    sides: tuple[Sequence[Arm], Sequence[Arm]],
    averages: Averages,
    on: Sequence[int],
    labels: Sequence[int | None],
) -> SideErrors | None:
    """What a contrast of two sides, each the mean of arms, borrows; None where it stands with its own seeds.

    `on` are the positions of the languages, `labels` the seeds that all of its arms have.
    """
    peers = {arm.peers for side in sides for arm in side}
    if len(peers) > 1:
        return None
    (alike,) = peers
    group = None if alike is None else averages.group(alike, on, labels)
    if group is None:
        return None
    ours, theirs = ({arm.key: 1 / len(side) for arm in side} for side in sides)
    for key in ours.keys() & theirs.keys():  # what stands on both sides cancels
        ours[key] -= theirs.pop(key)
    if any(isnan(group.shared.own[group.places[key]]) for key in (*ours, *theirs)):
        return None
    return SideErrors(
        *(group.shared.errors({group.places[key]: weight for key, weight in side.items()}) for side in (ours, theirs))
    )
