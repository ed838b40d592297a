"""Ranks from the environment of an Indexed Job, and of the processes of its pods."""

import pytest

from jobs.lib.ranks import Ranks
from polyglot.core.errors import Permanent


def test_without_variables_there_is_one() -> None:
    assert Ranks.read({}) == Ranks()
    assert Ranks.read({}).first


def test_what_the_job_sets() -> None:
    found = Ranks.read({"POLYGLOT_RANK": "1", "POLYGLOT_RANKS": "4"})
    assert (found.rank, found.ranks, found.first) == (1, 4, False)
    assert found.for_torch()["WORLD_SIZE"] == "4"


def test_processes_are_counted_through_the_pods() -> None:
    names = ("POLYGLOT_RANK", "POLYGLOT_RANKS", "POLYGLOT_LOCAL_RANK", "POLYGLOT_LOCAL_RANKS")
    found = Ranks.read(dict(zip(names, ("1", "2", "0", "4"), strict=True)))
    assert (found.rank, found.ranks, found.first, found.first_of_pod) == (4, 8, False, True)
    told = found.for_torch()
    assert [told[name] for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")] == ["4", "8", "0", "4"]


@pytest.mark.parametrize("variable", ["POLYGLOT_RANK", "POLYGLOT_LOCAL_RANK"])
@pytest.mark.parametrize(("rank", "ranks"), [("2", "2"), ("-1", "2"), ("x", "2"), ("0", "0"), ("1", "")])
def test_what_cannot_be_is_permanent(variable: str, rank: str, ranks: str) -> None:
    with pytest.raises(Permanent, match=f"{variable}, {variable}S: got"):
        Ranks.read({variable: rank, f"{variable}S": ranks})
