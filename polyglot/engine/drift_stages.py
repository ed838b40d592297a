"""The stages by which a night is watched: old answers judged anew, and the night held against those before it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from polyglot.core.canonical import Json
from polyglot.core.stage import PlannedStage, Stage
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.anchors import AnchorsParams
from polyglot.kinds.drift import DriftParams, Watch
from polyglot.kinds.kind import Params
from polyglot.kinds.registry import kind_of


def drift_stages(
    stages: Sequence[PlannedStage], renamed: Mapping[str, str], watch: Watch, night: str
) -> list[PlannedStage]:
    """The stages of a night beside the evaluation itself, `drift` last. `renamed`: the study's keys -> the night's."""
    by_key = {planned.key: planned for planned in stages}
    aggregate = next(planned for planned in stages if planned.stage.kind == AggregateParams.kind)
    languages = AggregateParams.of(aggregate.stage).languages
    read: dict[str, str] = {}
    found = []
    for cell in watch.anchors:
        frozen = watch.frozen[cell]
        params = AnchorsParams(cell=cell, answers=frozen.answers, card=frozen.answer_card)
        old = _planned(f"anchors {cell}", params, {})
        judge = by_key[aggregate.stage.inputs[f"verdicts:{cell}"]]
        stage = replace(
            judge.stage,
            params={**judge.stage.params, "night": night},
            inputs={**judge.stage.inputs, "answers": old.key},
        )
        label = f"judge anchors {cell} @{night}"
        again = replace(judge, stage=stage, label=label, settings=asking_anew(judge))
        read |= {f"old:{cell}": old.key, f"anchors:{cell}": again.key}
        found += [old, again]
    for cell in watch.cells:
        for role in (f"verdicts:{cell}", f"answers:{cell}"):
            key = aggregate.stage.inputs[role]
            read[role] = renamed.get(key, key)
    drift = DriftParams(night=night, languages=languages, watch=watch)
    return [*found, _planned(f"drift @{night}", drift, read)]


def _planned(label: str, params: Params, inputs: Mapping[str, str]) -> PlannedStage:
    kind = kind_of(params.kind)
    stage = Stage(kind=params.kind, version=params.version, params=params.document(), inputs=dict(inputs))
    return PlannedStage(stage=stage, label=label, resources=kind.resources, settings=kind.defaults)


def asking_anew(planned: PlannedStage) -> Mapping[str, Json]:
    """A stage's settings, with which it takes no reply of another stage."""
    kind = kind_of(planned.stage.kind)
    asks = "reuse" in kind.settings.model_fields and kind.traits(planned.stage.params).asks
    return {**planned.settings, "reuse": False} if asks else planned.settings
