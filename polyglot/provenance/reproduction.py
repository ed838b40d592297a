"""Whether what was run again came out as it was committed, stage by stage."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from polyglot.attempts.publish import environment_class
from polyglot.core.canonical import Json
from polyglot.core.stage import PlannedStage
from polyglot.store.manifest import Manifest


class Outcome(StrEnum):
    """How the two results of one stage compare."""

    EQUAL = "equal"
    DIFFERENT = "different"
    ELSEWHERE = "other environment"  # different, where device, threads or versions differ too
    FOLLOWS = "other inputs"  # different, and so is something that it read
    TAKEN = "taken"  # from the store: others were asked for it
    ASKED = "asked anew"  # another reply is no error; nor is what differs by it alone
    NOT_ASKED = "not asked"  # it is what somebody was asked for, and nobody was asked again


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One stage: the digests of its result `then` and `now` ("" where it was not run again)."""

    planned: PlannedStage
    outcome: Outcome
    then: str
    now: str = ""
    detail: str = ""


def compare(
    stages: Sequence[PlannedStage],
    then: Mapping[str, Manifest],
    now: Mapping[str, Manifest],
    *,
    taken: frozenset[str],
    asked: frozenset[str],
) -> list[Compared]:
    """Hold what was run again beside what was committed.

    `taken` and `asked` are keys of stages that were copied, and of those whose replies may differ. A stage that is in
    neither store's results is left out of `now`.
    """
    found: list[Compared] = []
    excused = set(asked)  # keys of what may differ: what was asked anew, and all that differs by it alone
    for planned in stages:
        row = _compared(planned, then, now, taken, excused)
        if row.outcome is Outcome.ASKED:
            excused.add(planned.key)
        elif row.outcome is Outcome.FOLLOWS:
            excused.discard(planned.key)
        found.append(row)
    return found


def _compared(
    planned: PlannedStage,
    then: Mapping[str, Manifest],
    now: Mapping[str, Manifest],
    taken: frozenset[str],
    excused: Set[str],
) -> Compared:
    old, new = then[planned.key], now.get(planned.key)
    if planned.key in taken:
        return Compared(planned=planned, outcome=Outcome.TAKEN, then=old.result)
    if new is None:
        return Compared(planned=planned, outcome=Outcome.NOT_ASKED, then=old.result)
    outcome, detail = Outcome.EQUAL, ""
    if old.result != new.result:
        outcome, detail = _why(old, new, excused)
    return Compared(planned=planned, outcome=outcome, then=old.result, now=new.result, detail=detail)


def _why(old: Manifest, new: Manifest, excused: Set[str]) -> tuple[Outcome, str]:
    """What explains that two results differ."""
    others = sorted(role for role, result in old.inputs.items() if new.inputs.get(role) != result)
    if others:
        may = excused >= {old.stage.inputs[role] for role in others}
        return Outcome.ASKED if may else Outcome.FOLLOWS, f"it read another {others[0]}"
    if old.stage.key in excused:
        return Outcome.ASKED, _files(old, new)
    places = environment_class(old.execution), environment_class(new.execution)
    if places[0] != places[1]:
        return Outcome.ELSEWHERE, _places(*places)
    libraries = _libraries(old), _libraries(new)
    if libraries[0] != libraries[1]:
        return Outcome.ELSEWHERE, _places(*libraries)
    return Outcome.DIFFERENT, _files(old, new)


def _libraries(manifest: Manifest) -> dict[str, Json]:
    """What a result was made with, by name and version: libraries, this program and its revision."""
    skipped = {"settings", "gpus", "image"}
    return {**{name: value for name, value in manifest.execution.items() if name not in skipped}, **manifest.provenance}


def _places(old: Mapping[str, Json], new: Mapping[str, Json]) -> str:
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return ", ".join(f"{name} {old.get(name)} then, {new.get(name)} now" for name in names)


def _files(old: Manifest, new: Manifest) -> str:
    theirs = {record.path: record.sha256 for record in old.files}
    ours = {record.path: record.sha256 for record in new.files}
    differ = sorted(path for path in theirs.keys() | ours.keys() if theirs.get(path) != ours.get(path))
    return f"{len(differ)} of {len(theirs.keys() | ours.keys())} files differ: {', '.join(differ[:3])}"
