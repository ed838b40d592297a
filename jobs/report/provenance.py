"""Where each number comes from: the stages behind every cell, and the environments that they were made in."""

from collections import Counter
from collections.abc import Mapping, Sequence

from jobs.lib.context import Input, of_role
from polyglot.kinds.aggregate import RosterCell
from polyglot.kinds.cells import Cell
from polyglot.kinds.report import Execution, Provenance, Step

_ANSWERED_BY = {"endpoint": "ask", "answers": "imported", "verdicts": "imported"}  # kinds, by what a baseline is


def executions(inputs: Mapping[str, Input]) -> tuple[Execution, ...]:
    """Group the inputs of each kind by the environment that they were made in; kinds with one group are left out.

    So a report says nothing about where it was made, unless that may explain a difference in it.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for role, source in sorted(inputs.items()):
        own = source.metrics.get("execution")  # the job alone knows its dtype
        execution = {**own, **source.execution} if isinstance(own, Mapping) else source.execution
        names = ("engine", "device", "threads", "torch", "kernels", "dtype")
        label = ", ".join(f"{name} {execution[name]}" for name in names if name in execution)
        if label:
            groups.setdefault((role.partition(":")[0], label), []).append(role)
    kinds = Counter(kind for kind, _ in groups)
    return tuple(
        Execution(kind=kind, environment=label, roles=tuple(roles))
        for (kind, label), roles in groups.items()
        if kinds[kind] > 1
    )


def ran_on(inputs: Mapping[str, Input]) -> dict[str, str]:
    """The devices that models were trained on, as a fact of the report; {} where nothing says."""
    trained = of_role(inputs, "train").values()
    devices = dict.fromkeys(str(source.execution["device"]) for source in trained if "device" in source.execution)
    return {"device": f"training on {', '.join(devices)}"} if devices else {}


def provenance(roster: Sequence[RosterCell], inputs: Mapping[str, Input]) -> tuple[Provenance, ...]:
    """The keys behind each cell, from its verdicts back to the rows and the questions."""
    return tuple(
        Provenance(cell=cell.cell, arm=cell.arm, seed=cell.seed, steps=tuple(_steps(cell, inputs))) for cell in roster
    )


def _steps(cell: Cell, inputs: Mapping[str, Input]) -> list[Step]:
    """What the report does not read itself is named by what its inputs were made from."""
    answers = inputs["aggregate"].made_from
    train = inputs.get(f"train:{cell.trained}")
    read = train.made_from if train else {}
    steps = []
    for kind, role in (
        ("imported" if cell.baseline == "verdicts" else "judge", f"verdicts:{cell.cell}"),
        (_ANSWERED_BY.get(cell.baseline, "answer"), f"answers:{cell.cell}"),
        ("train", f"train:{cell.trained}"),
        ("mix", f"mix:{cell.mix_name}"),
        ("base", f"base:{cell.model}"),
    ):
        key = inputs[role].key if role in inputs else answers.get(role)
        if key and kind == "mix":  # as the training read it: arms of several draws have several
            key = read.get("mix", key)
        if key:
            steps.append(Step(kind=kind, role=role, key=key))
    steps += [Step(kind="tokenize", role=role, key=read[role]) for role in sorted(read) if role.startswith("tokens:")]
    for role in (f"data:{cell.dataset}", "questions", *references_of(cell, inputs)):
        if role in inputs:
            kind = "reference" if role == "native_references" else "ingest"
            steps.append(Step(kind=kind, role=role, key=inputs[role].key))
    return steps


def references_of(cell: Cell, inputs: Mapping[str, Input]) -> list[str]:
    """The role of the references that a cell was judged against, as its verdicts say; others' verdicts do not."""
    if cell.baseline == "verdicts":
        return []
    verdicts = inputs.get(f"verdicts:{cell.cell}")
    used = verdicts.made_from.get("references") if verdicts else None
    roles = [role for role in ("references", "native_references") if role in inputs]
    return [role for role in roles if inputs[role].key == used] or roles[:1]
