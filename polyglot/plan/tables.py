"""The last two stages of a study: the aggregate over its cells, and the report."""

from collections.abc import Sequence

from polyglot.core.mix import Mix
from polyglot.core.stage import PlannedStage
from polyglot.kinds.aggregate import AggregateParams, ArmKey, Contrast, Family
from polyglot.kinds.report import ReportParams
from polyglot.plan.cells import CellStages, judged_against
from polyglot.plan.contrasts import baseline_contrasts, find_contrasts, reference_contrasts
from polyglot.plan.data import card_inputs
from polyglot.plan.planner import Planner
from polyglot.plan.quality import quality_stages
from polyglot.plan.sources import Sources
from polyglot.study.arms import ArmRequest, NotTuned
from polyglot.study.lock import Locked

BUILT_IN_JUDGE = (
    "Judged by the built-in rule-based judge: scores say how often answers are verifiably right, "
    "and compare with no published MT-Bench figure."
)
BUILT_IN_JUDGE_ELSEWHERE = (
    "Judged by the built-in rules on a benchmark that they know nothing of: answers are rated by their form, or by how "
    "closely they repeat a reference. Scores say nothing of content, and compare with no published figure."
)
BUILT_IN_MODEL = "The base model is a tiny one, pre-trained in seconds on generated text: a study in miniature."


def add_tables(
    planner: Planner, locked: Locked, sources: Sources, cells: Sequence[CellStages], mixes: Sequence[Mix]
) -> PlannedStage:
    """Add the aggregate and the report, and return the report."""
    inputs = {"questions": sources.questions}
    for row in cells:
        inputs[f"verdicts:{row.cell.cell}"] = row.judge
        inputs[f"answers:{row.cell.cell}"] = row.answer
    benchmark = locked.study.benchmark
    params = AggregateParams(
        languages=sources.languages,
        cells=tuple(row.cell for row in cells),
        contrasts=_contrasts(locked, sources, mixes),
        wrong_references=benchmark.wrong_references if judged_against(locked) != "native" else (),
        leave_out_wrong=benchmark.leave_out_wrong,
    )
    aggregate = planner.add("aggregate", params, inputs)
    checks = quality_stages(planner, locked, sources)
    return planner.add("report", _report(locked), {**_report_inputs(sources, cells, aggregate), **checks})


def _contrasts(locked: Locked, sources: Sources, mixes: Sequence[Mix]) -> tuple[Contrast, ...]:
    study = locked.study
    pairs = [(model, dataset) for model in study.models for dataset in study.datasets]
    if study.contrasts == "auto":
        found = [row for pair in pairs for row in find_contrasts(*pair, mixes, sources.languages)]
        if study.judge.references == "both":
            found += [row for pair in pairs for row in reference_contrasts(*pair, mixes, sources.languages)]
        found += [row for pair in pairs for row in baseline_contrasts(*pair, mixes, study.baselines, sources.languages)]
        return tuple(found)
    found = [
        Contrast(
            name=row.name,
            family=Family.CUSTOM,
            model=model,
            dataset=dataset,
            treatment=tuple(_arm_key(arm, model, dataset) for arm in row.treatment),
            control=tuple(_arm_key(arm, model, dataset) for arm in row.control),
            on=row.languages(sources.languages),
        )
        for model, dataset in pairs
        for row in study.contrasts
        if set(mixes).issuperset(row.mixes_of((*row.treatment, *row.control)))
    ]
    unique: dict[object, Contrast] = {}
    for row in found:  # arms that are not tuned are the same beside every data set
        unique.setdefault((row.name, row.treatment, row.control), row)
    return tuple(unique.values())


def _arm_key(arm: ArmRequest, model: str, dataset: str) -> ArmKey:
    return arm.key(model) if isinstance(arm, NotTuned) else ArmKey(model, dataset, arm.canonical)


def _report(locked: Locked) -> ReportParams:
    study = locked.study
    notes = []
    rules = study.judge.endpoint == "built-in"
    verifiable = rules and study.benchmark.built_in is not None
    if rules:
        notes.append(BUILT_IN_JUDGE if verifiable else BUILT_IN_JUDGE_ELSEWHERE)
    if any(model.built_in is not None for model in study.models.values()):
        notes.append(BUILT_IN_MODEL)
    training = study.training
    facts = {
        "training length": f"{training.steps} steps" if training.steps is not None else f"{training.epochs:g} epochs",
        "batch size": f"{training.batch_size} samples",
        "learning rate": f"{training.learning_rate:g}, {training.schedule}, weight decay {training.weight_decay:g}",
        **({"packing": f"within a step, to {training.max_tokens} tokens"} if training.packing == "step" else {}),
        "judge": study.judge.model or "built-in",
        **{f"baseline {name}": baseline.shown for name, baseline in study.baselines.items()},
        "seeds": ", ".join(map(str, study.seeds)),
        **{used.where: used.licensed for used in locked.used},
    }
    return ReportParams(
        study=study.name,
        question=study.question,
        metric="exact" if verifiable else "score",
        checks=tuple(check.name for check in study.quality),
        notes=tuple(notes),
        facts=facts,
    )


def _report_inputs(sources: Sources, cells: Sequence[CellStages], aggregate: PlannedStage) -> dict[str, PlannedStage]:
    inputs = {"aggregate": aggregate, **card_inputs(sources)}
    if sources.native is not None:
        inputs["native_references"] = sources.native
    inputs |= {f"base:{name}": stage for name, stage in sources.bases.items()}
    for row in cells:
        inputs[f"verdicts:{row.cell.cell}"] = row.judge
        if not row.cell.references:
            inputs[f"answers:{row.cell.cell}"] = row.answer
        if row.mix is not None and row.train is not None and not row.cell.references:  # else it is another's
            inputs[f"mix:{row.cell.mix_name}"] = row.mix
            inputs[f"train:{row.cell.cell}"] = row.train
    return inputs
