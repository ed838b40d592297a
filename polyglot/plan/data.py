"""What a study's data come to before anything is trained: its mixes, and a report of their cards."""

from collections.abc import Sequence

from polyglot.core.stage import PlannedStage
from polyglot.plan.cells import mix_stages
from polyglot.plan.planner import Planner
from polyglot.plan.quality import quality_report
from polyglot.plan.sources import Sources
from polyglot.spec.lock import Locked
from polyglot.spec.mix import Mix


def data_report(planner: Planner, locked: Locked, sources: Sources, mixes: Sequence[Mix]) -> PlannedStage:
    """Add every mix, and return a report that reads no training and no verdicts."""
    inputs = card_inputs(sources)
    for model in locked.study.models:
        for dataset in locked.study.datasets:
            for arm in mixes:
                for _, drawn, mix in mix_stages(planner, locked, sources, model, dataset, arm):
                    inputs[f"mix:{model}/{dataset}/{arm.canonical}{drawn}"] = mix
    return quality_report(planner, locked, sources, inputs)


def card_inputs(sources: Sources) -> dict[str, PlannedStage]:
    """The stages whose cards say what is in the data and in the benchmark, by the report's roles."""
    parts = {"questions": sources.questions, "references": sources.references, "prompts": sources.prompts}
    inputs = {role: stage for role, stage in parts.items() if stage is not None}
    return inputs | {f"data:{name}": stage for name, stage in sources.data.items()}
