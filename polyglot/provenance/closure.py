"""What a result was made of: the stages that its bytes come from, however far upstream."""

from collections.abc import Sequence
from dataclasses import replace

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.kinds.registry import kind_of, traits_of
from polyglot.plan.plan import Plan, aggregate_of, named_so, needed_for


def find_result(plan: Plan, name: str) -> PlannedStage:
    """The stage whose result a user means: the verdicts of a cell, by (a part of) the cell's name, or any stage.

    Raises BadInput when nothing fits, or several do.
    """
    tables = aggregate_of(plan)
    verdicts = (
        {
            role.partition(":")[2]: key
            for role, key in tables.stage.inputs.items()
            if role.startswith("verdicts:") and key in plan.by_key
        }
        if tables
        else {}
    )
    found = named_so(verdicts, name, lambda cell: (cell,))
    if len(found) == 1:
        return plan.by_key[verdicts[found[0]]]
    if not found and plan.has(name):
        return plan.find(name)
    some = ", ".join((found or list(verdicts))[:5]) or "a stage's label or key"
    raise BadInput(
        f"{len(found)} cells fit" if found else "no such cell",
        where=f"study {plan.study}",
        got=repr(name[:80]),
        expected=f"one cell, such as {some}",
        remedy="`polyglot status` lists stages, which can be named too",
    )


def made_of(last: PlannedStage, plan: Plan) -> tuple[PlannedStage, ...]:
    """A stage and all that its bytes come from, each after all that it reads; what only looks is not among them."""
    bare = [replace(planned, after=()) for planned in plan]
    return tuple(needed_for([replace(last, after=())], bare))


def is_paid(planned: PlannedStage) -> bool:
    """Whether somebody is asked for it who may say something else the next time, at a price."""
    return kind_of(planned.stage.kind).networked and bool(traits_of(planned.stage).asks)


def split(stages: Sequence[PlannedStage], *, ask: bool) -> tuple[list[PlannedStage], list[PlannedStage]]:
    """Which of the stages of a result can be run again, and which are taken as they were committed.

    Without `ask` those are taken that others are asked for, at a price, with all that they read: a reply belongs to
    just the bytes that were asked about. What comes after them is run again on them. A stage that was asked for and
    that nothing here reads is in neither.
    """
    if ask:
        return list(stages), []
    by_key = {planned.key: planned for planned in stages}
    read = {key for planned in stages for key in planned.stage.inputs.values()}
    waiting = [planned for planned in stages if is_paid(planned) and planned.key in read]
    taken: set[str] = set()
    while waiting:
        planned = waiting.pop()
        if planned.key not in taken:
            taken.add(planned.key)
            waiting += [by_key[key] for key in planned.stage.inputs.values()]
    run = [planned for planned in stages if planned.key not in taken and not is_paid(planned)]
    return run, [planned for planned in stages if planned.key in taken]
