"""What differs between two plans in what went in: the stages that were asked otherwise, not those that follow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard

from polyglot.core.canonical import Json
from polyglot.core.stage import PlannedStage
from polyglot.plan.plan import Plan

_LONGEST = 60  # characters of a value that is shown


class Change(StrEnum):
    """How a stage of one plan stands to the one of the same label in the other."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"  # it is asked otherwise itself
    FOLLOWS = "follows"  # it is asked the same of other inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChange:
    """A stage that differs; `values` are what differs in it: (place, then, now)."""

    label: str
    kind: str
    change: Change
    values: tuple[tuple[str, str, str], ...] = ()


def changed_stages(then: Plan, now: Plan) -> list[StageChange]:
    """Every stage that is not the same in both plans, in the order of the plan of now; removed ones last.

    Stages are told by their labels, those of a night without the night's name.
    """
    before, after = _by_label(then), _by_label(now)
    found = []
    for label, planned in after.items():
        old = before.get(label)
        if old is None:
            found.append(StageChange(label=label, kind=planned.stage.kind, change=Change.ADDED))
        elif old.key != planned.key:
            found.append(_change(label, old, planned, before, after))
    found += [
        StageChange(label=label, kind=planned.stage.kind, change=Change.REMOVED)
        for label, planned in before.items()
        if label not in after
    ]
    return found


def _by_label(plan: Plan) -> Mapping[str, PlannedStage]:
    return {planned.label.partition(" @")[0]: planned for planned in plan}


def _change(
    label: str,
    old: PlannedStage,
    new: PlannedStage,
    before: Mapping[str, PlannedStage],
    after: Mapping[str, PlannedStage],
) -> StageChange:
    """What differs in a stage itself: its version, parameters, seed, and which stages it reads."""
    stages = old.stage, new.stage
    values = list(_differing("", *({**one.params, "seed": one.seed, "version": one.version} for one in stages)))
    names = [
        {role: labels.get(key, key[:12]) for role, key in one.inputs.items()}
        for one, labels in zip(stages, (_labels(before), _labels(after)), strict=True)
    ]
    values += _differing("inputs", *names)
    change = Change.CHANGED if values else Change.FOLLOWS
    return StageChange(label=label, kind=new.stage.kind, change=change, values=tuple(values))


def _labels(stages: Mapping[str, PlannedStage]) -> Mapping[str, str]:
    return {planned.key: label for label, planned in stages.items()}


def _differing(place: str, old: Json, new: Json) -> Iterator[tuple[str, str, str]]:
    """(place, then, now) of each value that is not the same."""
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys((*old, *new)):
            yield from _differing(f"{place}.{name}" if place else name, old.get(name), new.get(name))
        return
    if _is_list(old) and _is_list(new) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differing(f"{place}[{number}]", one, other)
        return
    yield place, _shown(old), _shown(new)


def _is_list(value: Json) -> TypeGuard[Sequence[Json]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _shown(value: Json) -> str:
    if value is None:
        return "none"
    if _is_list(value):
        return f"{len(value)} items"
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
