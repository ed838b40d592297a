"""Memory by estimate: what a stage is given where the profile does not say, and what cannot fit where it shall run.

So it is with disk, on a cluster, where the estimate is more than a stage usually gets.

A stage gets a quarter more than its estimate, which agrees with measured peaks to about as much; never more than its
place has. What runs out all the same is tried again with more (`engine.given`). A profile that names a kind's memory
overrules the estimate, in both.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.core.units import show_bytes
from polyglot.estimates.estimate import Estimated
from polyglot.kinds.device import GPUS
from polyglot.schedulers.base import Capacity
from polyglot.study.profile import Profile

MARGIN = 1.25
_CPUS_A_GPU = 2  # at least: one that starts kernels, one for all else
_STEP_BYTES = 64 * 2**20  # what is given is a multiple of
CapacityOf = Callable[[PlannedStage], Capacity]


def sized(estimated: Sequence[Estimated], profile: Profile, capacity_of: CapacityOf) -> tuple[PlannedStage, ...]:
    """The stages with their memory by estimate, where the profile does not name it and the estimate knows it."""
    return tuple(_sized(row, profile, capacity_of) for row in estimated)


def check_fits(estimated: Sequence[Estimated], profile: Profile, capacity_of: CapacityOf) -> None:
    """Raise BadInput with a line for each kind of stage that cannot fit where it shall run. What is done fits.

    The line is of the one that needs most.
    """
    found: dict[tuple[str, str], list[tuple[int, str, str]]] = {}
    for row in estimated:
        for what, needs, line in () if row.used is not None else _problems(row, profile, capacity_of):
            found.setdefault((row.planned.stage.kind, what), []).append((needs, row.planned.label, line))
    if found:
        raise BadInput("\n".join(_line(rows) for rows in found.values()))


def few_cpus(stages: Iterable[PlannedStage]) -> Iterator[str]:
    """Yield a line for each kind of stage whose GPUs would wait for the CPUs that it has beside them."""
    kinds = {planned.stage.kind: planned.resources for planned in stages if planned.resources.gpus}
    for kind, resources in kinds.items():
        least = _CPUS_A_GPU * resources.gpus
        if resources.cpus < least:
            cpus, gpus = (
                f"{n} {name}{'s' * (n > 1)}" for n, name in ((resources.cpus, "CPU"), (resources.gpus, "GPU"))
            )
            yield (
                f"{kind}: an attempt has {cpus} for {gpus}: what starts kernels, lays out batches and reads files "
                f"shares the former. Set `resources: {{{kind}: {{cpus: {least}}}}}` or more in the profile"
            )


def _line(rows: Sequence[tuple[int, str, str]]) -> str:
    _, label, line = max(rows, key=lambda row: row[0])
    return f"{label}{f' and {len(rows) - 1} more' if len(rows) > 1 else ''}: {line}"


def _host_bytes(row: Estimated) -> int | None:
    """What it needs of the machine: beside its GPU, where it has one."""
    return row.forecast.host_bytes if row.planned.resources.gpus else row.forecast.memory_bytes


def _sized(row: Estimated, profile: Profile, capacity_of: CapacityOf) -> PlannedStage:
    planned, needs = _with_disk(row, profile), _host_bytes(row)
    if needs is None or planned.stage.kind in profile.memory_named:
        return planned
    most = capacity_of(planned).memory_bytes
    memory = _rounded(needs)
    if most and needs <= most:
        memory = min(memory, most)
    return replace(planned, resources=replace(planned.resources, memory_bytes=memory))


def _with_disk(row: Estimated, profile: Profile) -> PlannedStage:
    """With the disk that it needs, where a cluster would give it less."""
    planned, needs = row.planned, row.forecast.disk_bytes
    usual = 0 if profile.cluster is None else profile.cluster.scratch_bytes
    if not usual or needs is None or planned.resources.scratch_bytes or needs * MARGIN <= usual:
        return planned
    disk = _rounded(needs)
    return replace(planned, resources=replace(planned.resources, scratch_bytes=disk))


def _rounded(needs: int) -> int:
    return -(-int(needs * MARGIN) // _STEP_BYTES) * _STEP_BYTES


def _problems(row: Estimated, profile: Profile, capacity_of: CapacityOf) -> Iterator[tuple[str, int, str]]:
    """Of the machine and of the GPU: which, how much is needed, and the line."""
    planned, needs, most = row.planned, _host_bytes(row), capacity_of(row.planned)
    named = planned.stage.kind in profile.memory_named
    if needs is not None and not named and most.memory_bytes and needs > most.memory_bytes:
        amount = show_bytes(needs) if planned.resources.gpus else _parts(row)
        line = f"it needs {amount} of memory by its estimate, and {most.where} gives {show_bytes(most.memory_bytes)}. "
        yield (
            "machine",
            needs,
            line + _smallest_place(needs, profile) + _less(row, most.memory_bytes) * (not planned.resources.gpus),
        )
    device, on_device = profile.device_of(planned), row.forecast.memory_bytes
    if planned.resources.gpus and device is not None and on_device is not None and on_device > device.memory_bytes:
        line = f"it needs {_parts(row)} of a GPU by its estimate, and {device.name} has "
        less = _less(row, device.memory_bytes)
        yield "GPU", on_device, f"{line}{show_bytes(device.memory_bytes)}. {_smallest_gpu(on_device)}{less}"


def _parts(row: Estimated) -> str:
    parts = ", ".join(f"{name} {show_bytes(size)}" for name, size in row.forecast.memory.items())
    return f"{show_bytes(row.forecast.memory_bytes or 0)} ({parts})"


def _smallest_place(needs: int, profile: Profile) -> str:
    pools = {} if profile.cluster is None else profile.cluster.pools
    known = {name: pool.most_memory_bytes for name, pool in pools.items() if pool.most_memory_bytes}
    fitting = sorted((size, name) for name, size in known.items() if size >= needs)
    if fitting:
        return f"The smallest pool that does is {fitting[0][1]}, with {show_bytes(fitting[0][0])}"
    return f"It takes a {'pool' if pools else 'machine'} with {show_bytes(needs)}"


def _smallest_gpu(needs: int) -> str:
    fitting = next((gpu for gpu in GPUS.values() if gpu.memory_bytes >= needs), None)
    if fitting is None:
        return "No GPU that is known here does"
    return f"The smallest that does is {fitting.name}, with {show_bytes(fitting.memory_bytes)}"


def _less(row: Estimated, most: int) -> str:
    """The first change with which it would fit, if there is one."""
    fitting = ((said, size) for said, size in row.forecast.smaller if size <= most)
    found = next(fitting, None)
    return "" if found is None else f". With {found[0]} it needs {show_bytes(found[1])}"
