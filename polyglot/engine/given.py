"""What the next attempt is given when earlier ones ran out of something: pure, from the failed attempts alone.

| ran out of    | next                                                                                            |
|---------------|-------------------------------------------------------------------------------------------------|
| memory        | twice what it had, then the most that its place can give, else twice that; none left: give up    |
| disk          | twice what it had                                                                               |
| a GPU's memory| half of what the GPU holds at once (`at_once` of the kind); a kind without that: give up         |

Memory comes before smaller batches because it changes no result: on a CPU a training's bits are a function of its
micro-batches, and a result is the same for everybody who has its key. A GPU promises no equal bits anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from polyglot.core.stage import PlannedStage
from polyglot.engine.outcomes import RAN_OUT, Failed, GiveUp
from polyglot.kinds.registry import kind_of
from polyglot.schedulers.base import Capacity, Outcome

_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A stage as its next attempt gets it; `text` says what is other than planned, "" when nothing is."""

    planned: PlannedStage
    text: str = ""


def had(planned: PlannedStage, outcome: Outcome) -> int | None:
    """How much an attempt has of what an outcome says that it ran out of; None where that is not counted."""
    if outcome is Outcome.OUT_OF_MEMORY:
        return planned.resources.memory_bytes
    if outcome is Outcome.OUT_OF_DISK:
        return planned.resources.scratch_bytes or None
    if outcome is Outcome.OUT_OF_DEVICE_MEMORY:
        return _at_once(planned)[1] or None
    return None


def given(planned: PlannedStage, failed: Sequence[Failed], capacity: Capacity) -> Given | GiveUp:
    """Say what the attempt after these failed ones, the oldest first, is given."""
    texts: list[str] = []
    for change in (_memory, _disk, _device):
        changed = change(planned, [one for one in failed if one.outcome is _OF[change]], capacity)
        if isinstance(changed, GiveUp):
            return changed
        planned = changed.planned
        texts += [changed.text] if changed.text else []
    return Given(planned=planned, text=", ".join(texts))


def _memory(planned: PlannedStage, failed: Sequence[Failed], capacity: Capacity) -> Given | GiveUp:
    if not failed:
        return Given(planned=planned)
    asked = planned.resources.memory_bytes
    before = max(one.had or asked for one in failed)
    if capacity.memory_bytes and before >= capacity.memory_bytes:
        reason = (
            f"out of memory with {before / _GIB:.2f} GiB, the most that {capacity.where} gives: {failed[-1].reason}"
        )
        return GiveUp(reason=f"{reason}; {_hint(planned)}")
    doubled = max(asked, 2 * before)
    wanted = doubled if len(failed) == 1 else max(doubled, capacity.memory_bytes)
    memory = min(wanted, capacity.memory_bytes or wanted)
    text = f"{memory / _GIB:.2f} GiB of memory instead of {asked / _GIB:.2f}" if memory != asked else ""
    return Given(planned=replace(planned, resources=replace(planned.resources, memory_bytes=memory)), text=text)


def _disk(planned: PlannedStage, failed: Sequence[Failed], capacity: Capacity) -> Given | GiveUp:
    del capacity
    known = [one.had for one in failed if one.had]
    if not known or planned.resources.scratch_bytes >= 2 * max(known):
        return Given(planned=planned)
    disk = 2 * max(known)
    text = f"{disk / _GIB:.2f} GiB of disk instead of {max(known) / _GIB:.2f}"
    return Given(planned=replace(planned, resources=replace(planned.resources, scratch_bytes=disk)), text=text)


def _device(planned: PlannedStage, failed: Sequence[Failed], capacity: Capacity) -> Given | GiveUp:
    del capacity
    if not failed:
        return Given(planned=planned)
    name, planned_size = _at_once(planned)
    size = min(planned_size, min(one.had or planned_size for one in failed) // 2)
    if size < 1:
        return GiveUp(reason=f"out of a GPU's memory: {failed[-1].reason}; {RAN_OUT[Outcome.OUT_OF_DEVICE_MEMORY]}")
    text = f"{name} {size} instead of {planned_size}" if size != planned_size else ""
    return Given(planned=replace(planned, settings={**planned.settings, name: size}), text=text)


_OF = {_memory: Outcome.OUT_OF_MEMORY, _disk: Outcome.OUT_OF_DISK, _device: Outcome.OUT_OF_DEVICE_MEMORY}


def _at_once(planned: PlannedStage) -> tuple[str, int]:
    return kind_of(planned.stage.kind).held_at_once(planned.settings)


def _hint(planned: PlannedStage) -> str:
    name, size = _at_once(planned)
    smaller = f", or set {name} of {planned.stage.kind} below {size} in the profile's settings" if name else ""
    return f"run it where there is more{smaller}"
