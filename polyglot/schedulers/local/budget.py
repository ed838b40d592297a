"""What this machine gives to workers, and what of it is free now.

A stage that asks for more CPUs than there are runs alone on all of them; one that asks for more memory or GPUs than
there are is refused before anything starts, as it could only fail.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from polyglot.core.devices import nvidia_devices, usable_cpus
from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage, Resources
from polyglot.kinds.registry import kind_of
from polyglot.study.profile import Profile

GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What all workers together may use. `gpus` holds the device ids, as CUDA_VISIBLE_DEVICES takes them."""

    cpus: int
    memory_bytes: int
    gpus: tuple[str, ...] = ()

    @classmethod
    def of_machine(cls) -> "Budget":
        """Everything this process may use: its CPU affinity, the memory of its cgroup or machine, its GPUs."""
        return cls(cpus=usable_cpus(), memory_bytes=_memory_bytes(), gpus=_gpus())

    @classmethod
    def of_profile(cls, profile: Profile) -> "Budget":
        """A profile's CPUs and memory, at most the machine's."""
        machine = cls.of_machine()
        return cls(
            cpus=profile.cpus or machine.cpus,
            memory_bytes=min(profile.memory_bytes or machine.memory_bytes, machine.memory_bytes),
            gpus=machine.gpus,
        )

    def check(self, planned: PlannedStage) -> None:
        """Raise BadInput when the stage can never run within this budget."""
        wants = planned.resources
        if wants.ranks > 1:
            raise BadInput(
                "this machine is one pod",
                where=planned.label,
                got=f"{wants.ranks} ranks",
                expected="1",
                remedy="Remove resources.ranks from the profile; `gpus`, and `processes` of the settings, stay.",
            )
        if wants.gpus > len(self.gpus):
            raise BadInput(
                "a stage needs more GPUs than this machine has",
                where=planned.label,
                got=str(len(self.gpus)),
                expected=f"{wants.gpus} or more",
                remedy="Lower resources.gpus in the profile, or run it with a profile that has them.",
            )
        if wants.memory_bytes > self.memory_bytes:
            raise BadInput(
                "a stage needs more memory than this machine gives to workers",
                where=planned.label,
                got=f"{self.memory_bytes / GIB:.1f} GiB",
                expected=f"{wants.memory_bytes / GIB:.1f} GiB or more",
                remedy="Lower resources.memory in the profile, or run it on a larger machine.",
            )

    def notes(self, stages: Sequence[PlannedStage]) -> list[str]:
        """Say what will be less than asked for: a line for each kind of stage."""
        asked = {planned.stage.kind: planned.resources.cpus for planned in stages}
        told = [
            f"{kind}: {cpus} CPUs are asked for, {self.cpus} are there; it gets these"
            for kind, cpus in asked.items()
            if cpus > self.cpus
        ]
        without = dict.fromkeys(p.stage.kind for p in stages if kind_of(p.stage.kind).costly and not p.resources.gpus)
        if self.gpus and without:
            what = "GPU is there and not used" if len(self.gpus) == 1 else "GPUs are there and not used"
            remedy = f"`resources: {{{next(iter(without))}: {{gpus: 1}}}}` in the profile uses one"
            told.append(f"{len(self.gpus)} {what} by {', '.join(without)}, which ask for none: {remedy}")
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """What one running worker was given."""

    cpus: int
    memory_bytes: int
    gpus: tuple[str, ...]


class Allocator:
    """Book-keeping of a budget: `allocate` gives a share or nothing, `release` returns it."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._cpus = budget.cpus
        self._memory_bytes = budget.memory_bytes
        self._gpus = list(budget.gpus)

    def allocate(self, wants: Resources) -> Allocation | None:
        """Return a share of what is asked, or None when there is no room for it now."""
        cpus = min(max(1, wants.cpus), self._budget.cpus)
        if cpus > self._cpus or wants.memory_bytes > self._memory_bytes or wants.gpus > len(self._gpus):
            return None
        gpus = tuple(self._gpus[: wants.gpus])
        del self._gpus[: wants.gpus]
        self._cpus -= cpus
        self._memory_bytes -= wants.memory_bytes
        return Allocation(cpus=cpus, memory_bytes=wants.memory_bytes, gpus=gpus)

    def release(self, share: Allocation) -> None:
        """Return a share; called once for each that was taken."""
        self._cpus += share.cpus
        self._memory_bytes += share.memory_bytes
        self._gpus = sorted([*self._gpus, *share.gpus])


def _memory_bytes() -> int:
    """Physical memory, or the limit of the cgroup when that is lower."""
    total = int(psutil.virtual_memory().total)
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path, encoding="ascii") as file:
                total = min(total, int(file.read()))
        except (OSError, ValueError):  # no such controller, or "max"
            continue
    return total


def _gpus() -> tuple[str, ...]:
    """Device ids without asking CUDA, which would have to be installed: the variable, else the device files."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(part.strip() for part in visible.split(",") if part.strip() and part.strip() != "-1")
    return nvidia_devices()
