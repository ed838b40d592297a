"""Which files of a checkpoint a rank fetches where there were more or fewer ranks: those with some of its slices."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor
from torch.testing._internal.distributed.fake_pg import FakeStore

from jobs.train import checkpoint
from jobs.train.sharding import holders


@contextmanager
def rank_of(rank: int, ranks: int) -> Iterator[None]:
    """Be a rank of a group that exchanges nothing."""
    distributed.init_process_group("fake", rank=rank, world_size=ranks, store=FakeStore())
    try:
        yield
    finally:
        distributed.destroy_process_group()


def slice_of(tensor: torch.Tensor, ranks: int, dimension: int = 0) -> torch.Tensor:
    mesh = init_device_mesh("cpu", (ranks,))
    return distribute_tensor(tensor, mesh, [Shard(dimension)], src_data_rank=None)


def file_of(rank: int, ranks: int) -> str:
    return f"rank-{rank:05d}-of-{ranks:05d}-weights.safetensors"


@pytest.mark.parametrize("rows", [1, 3, 5, 8, 64, 97])
def test_the_ranks_that_held_what_a_rank_holds(rows: int) -> None:
    """Against the rows themselves, cut by torch."""
    for ranks in (2, 3, 4, 8):
        for rank in range(ranks):
            with rank_of(rank, ranks):
                mine = slice_of(torch.arange(float(rows)).unsqueeze(1), ranks)
                held = set(mine.to_local().flatten().tolist())  # type: ignore[attr-defined]
                for before in (1, 2, 3, 5, 8, 16):
                    parts = torch.arange(float(rows)).chunk(before)
                    expected = {at for at, part in enumerate(parts) if held & set(part.tolist())}
                    assert holders(mine, before) == expected, (ranks, rank, before)


def test_experts_that_were_cut_by_columns() -> None:
    """8 experts by 16 ranks were columns of all, by 4 ranks two whole ones each."""
    experts = torch.zeros(8, 4, 32)
    with rank_of(1, 4):
        assert holders(slice_of(experts, 4), 8) == {2, 3}
        assert holders(slice_of(experts, 4), 16) == set(range(16))
    with rank_of(5, 16):
        assert holders(slice_of(experts, 16, 2), 4) == {0, 1, 2, 3}
        assert holders(slice_of(experts, 16, 2), 32) == {10, 11}


def test_files_of_others_are_fetched_where_they_are_needed_alone() -> None:
    with rank_of(1, 4):
        model = nn.Module()
        model.weight = nn.Parameter(slice_of(torch.zeros(64, 4), 4))
        wanted = checkpoint.needed(model, 1, 4)
        assert [rank for rank in range(8) if wanted(file_of(rank, 8))] == [2, 3]
        assert [rank for rank in range(3) if wanted(file_of(rank, 3))] == [0, 1]
        assert [rank for rank in range(4) if wanted(file_of(rank, 4))] == [1]
        assert wanted("state.json")
    alone = checkpoint.needed(nn.Linear(2, 2), 0, 1)
    assert all(alone(file_of(rank, 3)) for rank in range(3))
    adapter = checkpoint.needed(nn.Linear(2, 2), 1, 4)  # whole on every rank
    assert all(adapter(file_of(rank, 2)) for rank in range(2))
