"""When idle cores are taken, and when they are given back."""

from collections.abc import Iterator

import pytest
import torch

from jobs.lib.model import spare_cores
from jobs.lib.model.spare_cores import SpareCores
from polyglot.core.devices import MACHINE_CPUS


class Machine:
    """Four cores, of which others use some."""

    def __init__(self) -> None:
        self.now = self.others = 0.0

    def pass_(self, seconds: float, busy: float) -> None:
        self.now += seconds
        self.others += seconds * busy


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made, before = Machine(), torch.get_num_threads()
    monkeypatch.setattr(spare_cores, "usable_cpus", lambda: 4)
    monkeypatch.setattr(spare_cores, "others_seconds", lambda: made.others)
    torch.set_num_threads(1)
    yield made
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("busy", "threads"), [([0.1], 3), ([1.2], 3), ([2.0], 1), ([4.0], 1), ([0.0, 2.5], 1), ([4.0, 0.2], 3)]
)
def test_all_that_is_lent_is_taken_where_others_leave_it_and_else_none(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, busy: list[float], threads: int
) -> None:
    monkeypatch.setenv(MACHINE_CPUS, "3")
    spare = SpareCores(1, clock=lambda: machine.now)
    for used in busy:
        machine.pass_(1.5, used)
        spare.look()
    assert torch.get_num_threads() == threads
    machine.pass_(0.5, 4.0)  # too soon to look
    spare.look()
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("lent", [None, "1"])
def test_none_are_taken_where_none_are_lent(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, lent: str | None
) -> None:
    monkeypatch.delenv(MACHINE_CPUS, raising=False)
    if lent:
        monkeypatch.setenv(MACHINE_CPUS, lent)
    spare = SpareCores(1, clock=lambda: machine.now)
    machine.pass_(2, 0.0)
    spare.look()
    assert (torch.get_num_threads(), spare.taken_seconds) == (1, 0.0)


def test_the_seconds_with_more_threads_are_counted(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MACHINE_CPUS, "2")
    spare = SpareCores(1, clock=lambda: machine.now)
    for seconds, used in ((1.0, 0.0), (2.0, 0.0), (3.0, 3.8), (4.0, 3.8)):
        machine.pass_(seconds, used)
        spare.look()
    assert spare.taken_seconds == 5.0
    assert torch.get_num_threads() == 1
