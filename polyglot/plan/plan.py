"""A plan: every stage of a study, each after all that it reads, checked to be sound."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage, PlanRow, Stage
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.check import CheckParams
from polyglot.kinds.probe import ProbeParams

T = TypeVar("T")
_LOOKING = (CheckParams.kind, ProbeParams.kind)


@dataclass(frozen=True)
class Plan:
    """Stages in an order in which they can run. `study` is the study's name."""

    study: str
    stages: tuple[PlannedStage, ...]

    @cached_property
    def by_key(self) -> Mapping[str, PlannedStage]:
        """Stages by their full key."""
        return {planned.key: planned for planned in self.stages}

    def __iter__(self) -> Iterator[PlannedStage]:
        return iter(self.stages)

    def __len__(self) -> int:
        return len(self.stages)

    def has(self, text: str) -> bool:
        """True when `find` would find a stage."""
        try:
            return bool(self.find(text))
        except BadInput:
            return False

    def find(self, text: str) -> PlannedStage:
        """Return the stage that a user means: a label, a name (`train-defrites-1a2b…`), a key or its beginning.

        Raises BadInput when nothing or more than one fits.
        """
        loose = self.fitting(text)
        if len(loose) == 1:
            return loose[0]
        some = ", ".join(repr(planned.label) for planned in (loose or self.stages)[:4])
        raise BadInput(
            "no such stage" if not loose else f"{len(loose)} stages fit",
            where=f"study {self.study}",
            got=repr(text),
            expected=f"a stage's label, name or key, such as {some}",
            remedy="`polyglot status` lists them",
        )

    def fitting(self, text: str) -> Sequence[PlannedStage]:
        """All stages that a user may mean: those that are called so, else those whose label or key has it."""
        exact = [
            planned
            for planned in self.stages
            if text in (planned.label, planned.name, planned.key) or planned.label == _told_apart(text, planned.key)
        ]
        return exact or [
            planned
            for planned in self.stages
            if (len(text) >= 6 and planned.key.startswith(text)) or text.lower() in planned.label.lower()
        ]

    def document(self) -> list[PlanRow]:
        """The plan as JSON: what is kept with a submission, and compared with by later plans."""
        return [_row(planned) for planned in self]


def _row(planned: PlannedStage) -> PlanRow:
    row = PlanRow(label=planned.label, key=planned.key, mix=planned.mix, stage=planned.stage.document())
    if planned.after:
        row["after"] = list(planned.after)
    return row


def aggregate_of(stages: Iterable[PlannedStage]) -> PlannedStage | None:
    """The stage that counts the scores of the cells, where there is any."""
    return next((planned for planned in stages if planned.stage.kind == AggregateParams.kind), None)


def named_so(things: Iterable[T], name: str, names_of: Callable[[T], Iterable[str]]) -> list[T]:
    """What a user means by (a part of) a name such as `tiny/house/EN/s0`: that of just this name, else all with it
    between slashes, else all with it anywhere.
    """
    known = [(thing, tuple(names_of(thing))) for thing in things]
    return (
        [thing for thing, names in known if name in names]
        or [thing for thing, names in known if any(f"/{name}/" in f"/{one}/" for one in names)]
        or [thing for thing, names in known if any(name in one for one in names)]
    )


def needed_for(last: Sequence[PlannedStage], stages: Sequence[PlannedStage]) -> list[PlannedStage]:
    """Some stages with all that shall be done before them: what one mix needs of a whole study."""
    by_key = {planned.key: planned for planned in stages}
    wanted, waiting = {planned.key for planned in last}, list(last)
    while waiting:
        for key in waiting.pop().needs:
            if key in by_key and key not in wanted:
                wanted.add(key)
                waiting.append(by_key[key])
    return [planned for planned in stages if planned.key in wanted]


def checks(stages: Iterable[PlannedStage]) -> list[PlannedStage]:
    """Those that only look, in their order: others come after them, in this plan or a whole one, and read nothing."""
    found = list(stages)
    before = {key for planned in found for key in planned.after}
    return [planned for planned in found if planned.key in before or planned.stage.kind in _LOOKING]


def unneeded(stages: Iterable[PlannedStage], done: Container[str]) -> set[str]:
    """The keys of stages that are not done and need not be: others come after them, and each of these is done."""
    checks: set[str] = set()
    wanted: set[str] = set()
    for planned in stages:
        checks.update(planned.after)
        if planned.key not in done:
            wanted.update(planned.needs)
    return {key for key in checks - wanted if key not in done}


def make_plan(study: str, stages: Sequence[PlannedStage]) -> Plan:
    """Drop repeated keys (equal stages of two cells are one), order by inputs, and check.

    Raises BadInput for a cycle, an input that no stage makes, or two stages under one label.
    """
    unique: dict[str, PlannedStage] = {}
    labels: dict[str, str] = {}
    for planned in stages:
        unique.setdefault(planned.key, planned)
        if labels.setdefault(planned.label, planned.key) != planned.key:
            raise BadInput("two stages have one label", where=f"study {study}", got=repr(planned.label))
    return Plan(study, tuple(_ordered(study, unique)))


def _ordered(study: str, unique: Mapping[str, PlannedStage]) -> Iterator[PlannedStage]:
    """Depth first without recursion, so that a long chain cannot overflow the stack."""
    state: dict[str, bool] = {}  # False: on the path, True: yielded
    for root in unique:
        path = [root]
        while path:
            key = path[-1]
            if key in state and state[key]:
                path.pop()
                continue
            state[key] = False
            waiting = []
            planned = unique[key]
            for role, wanted in [*planned.stage.inputs.items(), *(("after", earlier) for earlier in planned.after)]:
                if wanted not in unique:
                    raise BadInput(
                        "an input that no stage makes",
                        where=f"study {study}, {planned.label}",
                        got=f"{role} = {wanted[:12]}",
                    )
                if wanted not in state:
                    waiting.append(wanted)
                elif not state[wanted]:
                    raise BadInput("stages wait for each other in a circle", where=f"study {study}, {planned.label}")
            if waiting:
                path.extend(dict.fromkeys(reversed(waiting)))
                continue
            state[key] = True
            yield unique[path.pop()]


def restore_plan(study: str, rows: Sequence[PlanRow]) -> Plan:
    """Rebuild stages from rows of `document()`, of one submission or of many.

    Where several keys have one label, each gets its key's beginning: none of them may pass for the only one.
    """
    labels = {row["key"]: str(row["label"]) for row in reversed(rows)}  # the first label of a key stays
    keys: dict[str, set[str]] = defaultdict(set)
    for key, label in labels.items():
        keys[label].add(key)
    unique: dict[str, PlannedStage] = {}
    for row in rows:
        key, label = row["key"], labels[row["key"]]
        shown = label if len(keys[label]) == 1 else _told_apart(label, key)
        stage, mix = Stage.from_document(row["stage"]), row.get("mix", "")  # older submissions have none
        after = tuple(row.get("after", ()))
        unique.setdefault(key, PlannedStage(stage=stage, label=shown, mix=mix, after=after))
    return Plan(study, tuple(_ordered(study, unique)))


def plain_label(planned: PlannedStage) -> str:
    """A stage's label as its study knows it, whatever tells it apart from others in a plan of many submissions."""
    return planned.label.removesuffix(_told_apart("", planned.key))


def _told_apart(label: str, key: str) -> str:
    return f"{label} ({key[:8]})"
