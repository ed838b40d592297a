"""Memory by estimate: what a stage is given where the profile does not say, and what cannot fit where it shall run.

A stage gets a quarter more than its estimate, which agrees with measured peaks to about as much; never more than its
place has. What runs out all the same is tried again with more (`engine.given`). A profile that names a kind's memory
overrules its estimate, in both.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.core.units import show_bytes
from polyglot.estimates.estimate import Estimated
from polyglot.kinds.device import GPUS
from polyglot.schedulers.base import Most
from polyglot.study.profile import Profile

MARGIN = 1.25
_STEP_BYTES = 64 * 2**20  # what is given is a multiple of
MostOf = Callable[[PlannedStage], Most]


def sized(estimated: Sequence[Estimated], profile: Profile, most_of: MostOf) -> tuple[PlannedStage, ...]:
    """The stages with their memory by estimate, where the profile does not name it and the estimate knows it."""
    return tuple(_sized(row, profile, most_of) for row in estimated)


def check_fits(estimated: Sequence[Estimated], profile: Profile, most_of: MostOf) -> None:
    """Raise BadInput with a line for each kind of stage that cannot fit where it shall run. What is done fits."""
    seen: dict[tuple[str, str], list[str]] = {}
    for row in estimated:
        if row.used is not None:
            continue
        for line in _problems(row, profile, most_of):
            seen.setdefault((row.planned.stage.kind, line), []).append(row.planned.label)
    if seen:
        lines = [
            f"{labels[0]}{f' and {len(labels) - 1} more' * (len(labels) > 1)}: {line}"
            for (_, line), labels in seen.items()
        ]
        raise BadInput("\n".join(lines))


def _host_bytes(row: Estimated) -> int | None:
    """What it needs of the machine: beside its GPU, where it has one."""
    return row.forecast.host_bytes if row.planned.resources.gpus else row.forecast.memory_bytes


def _sized(row: Estimated, profile: Profile, most_of: MostOf) -> PlannedStage:
    planned, needs = row.planned, _host_bytes(row)
    if needs is None or planned.stage.kind in profile.memory_named:
        return planned
    most = most_of(planned).memory_bytes
    memory = -(-int(needs * MARGIN) // _STEP_BYTES) * _STEP_BYTES
    if most and needs <= most:
        memory = min(memory, most)
    return replace(planned, resources=replace(planned.resources, memory_bytes=memory))


def _problems(row: Estimated, profile: Profile, most_of: MostOf) -> Iterator[str]:
    planned, needs, most = row.planned, _host_bytes(row), most_of(row.planned)
    named = planned.stage.kind in profile.memory_named
    if needs is not None and not named and most.memory_bytes and needs > most.memory_bytes:
        yield (
            f"it needs {_parts(row) if not planned.resources.gpus else show_bytes(needs)} of memory by its estimate, "
            f"and {most.where} gives {show_bytes(most.memory_bytes)}. {_smallest_place(needs, profile)}{_less(row)}"
        )
    device, on_device = profile.device_of(planned), row.forecast.memory_bytes
    if planned.resources.gpus and device is not None and on_device is not None and on_device > device.memory_bytes:
        yield (
            f"it needs {_parts(row)} of a GPU by its estimate, and an {device.name} has "
            f"{show_bytes(device.memory_bytes)}. {_smallest_gpu(on_device)}{_less(row)}"
        )


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
        return "No GPU that is known here does, as every rank holds the whole model"
    return f"The smallest that does is {fitting.name}, with {show_bytes(fitting.memory_bytes)}"


def _less(row: Estimated) -> str:
    return f"; `{row.forecast.smaller}` in the profile's settings of {row.planned.stage.kind} needs less" * bool(
        row.forecast.smaller
    )
