"""All kinds by name, in a fixed order. A new kind is a file of this folder, a line below, and a folder of jobs/."""

from collections.abc import Mapping
from functools import lru_cache

from polyglot.core.stage import PlannedStage, Stage
from polyglot.kinds import (
    aggregate,
    agree,
    anchors,
    answer,
    ask,
    base,
    check,
    compare,
    contamination,
    drift,
    imported,
    ingest,
    judge,
    mix,
    panel,
    probe,
    quality,
    reference,
    reliability,
    report,
    tokenize,
    train,
    translate,
)
from polyglot.kinds.kind import Environment, Kind, Params, Traits

KINDS: Mapping[str, Kind] = {
    module.KIND.name: module.KIND
    for module in (
        probe,
        ingest,
        contamination,
        translate,
        quality,
        agree,
        base,
        tokenize,
        mix,
        check,
        train,
        answer,
        ask,
        imported,
        anchors,
        reference,
        judge,
        compare,
        panel,
        aggregate,
        reliability,
        drift,
        report,
    )
}


@lru_cache
def kind_of(name: str) -> Kind:
    """The declaration of a kind. One that is not listed, as a package of other jobs may have, is a plain one."""
    if name in KINDS:
        return KINDS[name]
    return Kind(params=type("PlainParams", (Params,), {"kind": name, "__annotations__": {}}))


def traits_of(stage: Stage) -> Traits:
    """What a stage needs around it."""
    return kind_of(stage.kind).traits(stage.params)


def environment_of(planned: PlannedStage) -> Environment:
    """The environment that a stage's workers need, where it is not the usual one."""
    return kind_of(planned.stage.kind).environment(planned.settings)


def kinds_for(consumer: str, role: str) -> tuple[str, ...]:
    """The kinds that may play a role of a consumer's kind, the usual one first; () for a role that it does not have."""
    return kind_of(consumer).inputs.get(role.partition(":")[0], ())
