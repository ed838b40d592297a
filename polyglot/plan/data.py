"""What a study's data come to before a model is tuned: its mixes, and a report of their cards."""

from collections.abc import Sequence

from polyglot.core.mix import Mix
from polyglot.core.stage import PlannedStage
from polyglot.kinds.report import ReportParams
from polyglot.plan.cells import mix_stages
from polyglot.plan.planner import Planner
from polyglot.plan.quality import quality_stages
from polyglot.plan.sources import Sources
from polyglot.study.lock import Locked


def data_report(planner: Planner, locked: Locked, sources: Sources, mixes: Sequence[Mix]) -> PlannedStage:
    """Add every mix, and return a report that reads no training and no verdicts: all that one without models has."""
    study = locked.study
    inputs = quality_stages(planner, locked, sources)
    inputs |= card_inputs(sources) if study.models else _data(sources)  # else the page is of translations
    for model in study.models:
        for dataset in study.datasets:
            for arm in mixes:
                for mix in mix_stages(planner, locked, sources, model, dataset, arm):
                    inputs[f"mix:{mix.name}"] = mix.stage
    names = tuple(check.name for check in study.quality)
    params = ReportParams(study=study.name, question=study.question, checks=names)
    return planner.add("report of data" if study.models else "report", params, inputs)


def card_inputs(sources: Sources) -> dict[str, PlannedStage]:
    """The stages whose cards say what is in the data and in the benchmark, by the report's roles."""
    parts = {"questions": sources.questions, "references": sources.references, "prompts": sources.prompts}
    return {role: stage for role, stage in parts.items() if stage is not None} | _data(sources)


def _data(sources: Sources) -> dict[str, PlannedStage]:
    return {f"data:{name}": stage for name, stage in sources.data.items()}
