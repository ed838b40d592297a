"""Ranks from the environment of an Indexed Job."""

import pytest

from jobs.lib.ranks import Ranks
from polyglot.core.errors import Permanent


def test_without_variables_there_is_one() -> None:
    assert Ranks.read({}) == Ranks(rank=0, ranks=1)
    assert Ranks.read({}).first


def test_what_the_job_sets() -> None:
    found = Ranks.read({"POLYGLOT_RANK": "1", "POLYGLOT_RANKS": "4"})
    assert (found.rank, found.ranks, found.first) == (1, 4, False)
    assert found.for_torch()["WORLD_SIZE"] == "4"


@pytest.mark.parametrize(("rank", "ranks"), [("2", "2"), ("-1", "2"), ("x", "2"), ("0", "0"), ("1", "")])
def test_what_cannot_be_is_permanent(rank: str, ranks: str) -> None:
    with pytest.raises(Permanent, match="POLYGLOT_RANK"):
        Ranks.read({"POLYGLOT_RANK": rank, "POLYGLOT_RANKS": ranks})
