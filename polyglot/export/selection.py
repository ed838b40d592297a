"""Which stages of a plan have what a user wants to take out, and what each is called outside."""

from collections.abc import Sequence
from dataclasses import dataclass

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.kinds.base import BaseParams
from polyglot.kinds.cells import UNTUNED
from polyglot.kinds.kind import Offer
from polyglot.kinds.registry import kind_of
from polyglot.plan.plan import Plan, named_so


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A stage, and the folder of its result that is wanted; "" for what its attempts left beside it."""

    planned: PlannedStage
    folder: str

    @property
    def name(self) -> str:
        """What it is called outside."""
        return name_of(self.planned)

    @property
    def names(self) -> tuple[str, ...]:
        """Each of its names: a base model has that of the cell, too, in which it was asked as it came."""
        base = self.planned.stage.kind == BaseParams.kind
        return (self.name, f"{self.name}/{UNTUNED}") if base else (self.name,)


def name_of(planned: PlannedStage) -> str:
    """A stage's label without its kind: the name of a cell, a model or a data set."""
    return planned.label.partition(" ")[2]


def select(plan: Plan, what: Offer, name: str | None) -> Sequence[Wanted]:
    """The stages that offer `what`; one of them where `name` is (a part of) its name. Raises BadInput."""
    offered = [
        Wanted(planned=planned, folder=folder)
        for planned in plan
        if (folder := kind_of(planned.stage.kind).offers(planned.stage.params).get(what)) is not None
    ]
    if not offered:
        raise BadInput(f"the study has no {what}", where=f"study {plan.study}")
    if name is None:
        return offered
    found = named_so(offered, name, lambda one: one.names)
    if len(found) != 1:
        some = ", ".join(one.name for one in (found or offered)[:5])
        problem = f"{len(found)} of its results of the kind {what!r} fit" if found else f"no {what} of this name"
        raise BadInput(problem, where=f"study {plan.study}", got=repr(name[:80]), expected=f"one of {some}")
    return found
