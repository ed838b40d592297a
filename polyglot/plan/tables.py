"""The last two stages of a study: the aggregate over its cells, and the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from polyglot.core.mix import Mix
from polyglot.core.stage import PlannedStage
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.answer import Answers
from polyglot.kinds.reliability import CellPair, ReliabilityParams
from polyglot.kinds.report import ReportParams
from polyglot.kinds.train import adapter_of
from polyglot.plan.cells import CellStages, judged_against
from polyglot.plan.compared import contrasts_of
from polyglot.plan.data import card_inputs
from polyglot.plan.planner import Planner
from polyglot.plan.quality import quality_stages
from polyglot.plan.sources import Sources
from polyglot.study.benchmark import Benchmark
from polyglot.study.chat import shown
from polyglot.study.judge import Judge, PanelJudge
from polyglot.study.lock import Locked
from polyglot.study.sources import Model
from polyglot.study.study import Study
from polyglot.study.training import Training

BUILT_IN_JUDGE = (
    "Judged by the built-in rule-based judge: scores say how often answers are verifiably right, "
    "and compare with no published MT-Bench figure."
)
BUILT_IN_JUDGE_ELSEWHERE = (
    "Judged by the built-in rules on a benchmark that they know nothing of: answers are rated by their form, or by how "
    "closely they repeat a reference. Scores say nothing of content, and compare with no published figure."
)
BUILT_IN_MODEL = "The base model is a tiny one, pre-trained in seconds on generated text: a study in miniature."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What is asked beside the verdicts on each cell, to know what they are worth."""

    pairs: Mapping[CellPair, PlannedStage]
    imported: Mapping[CellPair, PlannedStage]  # pairs that others judged
    retest: PlannedStage | None


def add_tables(
    planner: Planner,
    locked: Locked,
    sources: Sources,
    cells: Sequence[CellStages],
    mixes: Sequence[Mix],
    trust: Trust,
) -> PlannedStage:
    """Add the aggregate, the card of the judges and the report, and return the report."""
    inputs = {"questions": sources.questions}
    for row in cells:
        inputs[f"verdicts:{row.cell.cell}"] = row.judge
        inputs[f"answers:{row.cell.cell}"] = row.answer
    benchmark = locked.study.benchmark
    params = AggregateParams(
        languages=sources.languages,
        cells=tuple(row.cell for row in cells),
        contrasts=contrasts_of(locked.study, sources.languages, mixes, {row.cell.arm_key for row in cells}),
        wrong_references=benchmark.wrong_references if judged_against(locked) != "native" else (),
        leave_out_wrong=benchmark.leave_out_wrong,
        findings=locked.study.findings,
    )
    aggregate = planner.add("aggregate", params, inputs)
    reliability = _reliability(planner, locked, params, {**inputs, "aggregate": aggregate}, trust)
    checks = quality_stages(planner, locked, sources)
    return planner.add(
        "report",
        _report(locked, sources.languages),
        {**_report_inputs(sources, cells, aggregate), "reliability": reliability, **checks},
    )


def _reliability(
    planner: Planner, locked: Locked, tables: AggregateParams, inputs: Mapping[str, PlannedStage], trust: Trust
) -> PlannedStage:
    """The card of the judges, over the cells of the tables."""
    study = locked.study
    params = ReliabilityParams(
        languages=tables.languages,
        cells=tables.cells,
        pairs=tuple(trust.pairs),
        wrong_references=tables.wrong_references,
        models={name: _source(model) for name, model in (*study.models.items(), *study.baselines.items())},
        votes=locked.files.get(("votes",), ()),
        imported_pairs=tuple(trust.imported),
    )
    others = {f"verdicts:{cell.cell}" for cell in tables.cells if cell.baseline == "verdicts"}
    judged_here = {role: stage for role, stage in inputs.items() if role not in others}
    read = {f"comparisons:{pair.name}": stage for pair, stage in trust.pairs.items()}
    read |= {f"imported:{pair.name}": stage for pair, stage in trust.imported.items()}
    read |= {} if trust.retest is None else {"retest": trust.retest}
    return planner.add("reliability", params, {**judged_here, **read})


def _source(model: Model) -> str:
    """What a model is called where it comes from."""
    return model.hub or getattr(model, "model", "") or ""


def _report(locked: Locked, languages: Sequence[str]) -> ReportParams:
    study = locked.study
    notes = []
    rules = study.judge.endpoint == "built-in"
    verifiable = rules and study.benchmark.built_in is not None
    if rules:
        notes.append(BUILT_IN_JUDGE if verifiable else BUILT_IN_JUDGE_ELSEWHERE)
    if any(model.built_in is not None for model in study.models.values()):
        notes.append(BUILT_IN_MODEL)
    facts = {
        **{f"model {name}": described(model) for name, model in study.models.items()},
        "questions": f"{_benchmark_name(study.benchmark)}, in {', '.join(languages)}",
        **_recipes(study),
        "answers": decoding(study.answers),
        "judge": _judge(study.judge),
        **{f"judge {name}": _judge(judge) for name, judge in study.judge.members.items()},
        **{f"baseline {name}": baseline.shown for name, baseline in study.baselines.items()},
        **{f"pairs by {name}": pairs.shown for name, pairs in study.imported_pairs.items()},
        "seeds": ", ".join(map(str, study.seeds)),
        **{used.where: used.licensed for used in locked.used},
    }
    return ReportParams(
        study=study.name,
        question=study.question,
        metric="exact" if verifiable and not study.judge.members else "score",  # others give no whole tens
        checks=tuple(check.name for check in study.quality),
        notes=tuple(notes),
        facts=facts,
    )


def _recipes(study: Study) -> dict[str, str]:
    """How models are trained: once what is alike for all of them, and by model what is not."""
    told = {name: _recipe(study.training_of(name), study.answers) for name in study.models}
    found: dict[str, str] = {}
    for what in dict.fromkeys(what for recipe in told.values() for what in recipe):
        said = {name: recipe.get(what, "") for name, recipe in told.items()}
        alike = len(set(said.values())) == 1
        found |= {what if alike else f"{what}, {name}": value for name, value in said.items() if value}
    return found


def changed_recipes(study: Study) -> Iterator[str]:
    """A line for each model that is not trained as the study's `training` says: what is otherwise."""
    for name in study.models:
        differing = study.training.differing(study.training_of(name))
        told = {key: "none" if value is None else _value(value) for key, value in differing.items()}
        if told:
            yield f"models.{name}: trained with " + ", ".join(f"{key} {value}" for key, value in told.items())


def _value(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)


def _recipe(training: Training, answers: Answers) -> dict[str, str]:
    return {
        **({"method": adapter_of(training)} if training.method == "lora" else {}),
        "training length": f"{training.steps} steps" if training.steps is not None else f"{training.epochs:g} epochs",
        "batch size": f"{training.batch_size} samples",
        "learning rate": _learning_rate(training),
        **({"optimizer": "AdamW, its moments in 8 bits"} if training.optimizer == "adamw-8bit" else {}),
        **({"loss": f"mean of the means of {size} samples each"} if (size := training.loss_micro_batch) else {}),
        **({"packing": f"within a step, to {training.max_tokens} tokens"} if training.packing == "step" else {}),
        "precision": f"training {training.precision}, answers {answers.dtype}",
    }


def _learning_rate(training: Training) -> str:
    lowest = f" to {training.final_learning_rate:g}" if training.final_learning_rate else ""
    return f"{training.learning_rate:g}, {training.schedule}{lowest}, weight decay {training.weight_decay:g}"


def described(model: Model) -> str:
    """Where a base model comes from, as exactly as the study says it."""
    if model.hub is not None:
        return f"{model.hub} at {model.revision}"
    if model.built_in is not None:
        return f"built-in, pre-trained for {model.built_in.steps} steps"
    return f"files below {model.prefix}" if model.prefix else "files of one's own, by their digests"


def decoding(answers: Answers) -> str:
    """How models answer, in words."""
    by_value: dict[float, list[str]] = {}
    for category, value in sorted(answers.temperatures.items()):
        by_value.setdefault(value, []).append(category)
    hot = [f"{value:g} ({', '.join(names)})" for value, names in sorted(by_value.items(), reverse=True)]
    if not any(by_value) and not answers.default_temperature:
        said = ["greedy"]
    else:
        rest = f"{'else ' if hot else ''}{answers.default_temperature:g}"
        said = [f"temperature {', '.join([*hot, rest])}", f"top-p {answers.top_p:g}"]
        said.append(f"top-k {answers.top_k}" if answers.top_k else "no top-k")
    said.append(f"up to {answers.max_new_tokens} tokens a turn")
    return "; ".join([*said, f"{answers.samples} answers to a question"] if answers.samples > 1 else said)


def _benchmark_name(benchmark: Benchmark) -> str:
    built_in = f"built-in {benchmark.built_in}" if benchmark.built_in else ""
    return benchmark.name or benchmark.published or built_in or "questions of one's own"


def _judge(judge: Judge | PanelJudge) -> str:
    if judge.endpoint == "built-in":
        return "built-in"
    said = [f"temperature {shown(judge.temperature)}", f"up to {judge.max_tokens} tokens a verdict"]
    said += [f"seed {judge.seed}"] if judge.seed is not None else []
    said += [f"reasoning effort {judge.reasoning_effort}"] if judge.reasoning_effort is not None else []
    return "; ".join([judge.model, *said])


def _report_inputs(sources: Sources, cells: Sequence[CellStages], aggregate: PlannedStage) -> dict[str, PlannedStage]:
    inputs = {"aggregate": aggregate, **card_inputs(sources)}
    if sources.native is not None:
        inputs["native_references"] = sources.native
    inputs |= {f"base:{name}": stage for name, stage in sources.bases.items()}
    for row in cells:
        inputs[f"verdicts:{row.cell.cell}"] = row.judge
        if not row.cell.otherwise:
            inputs[f"answers:{row.cell.cell}"] = row.answer
        if row.mix is not None and row.train is not None and not row.cell.otherwise:  # else it is another's
            inputs[f"mix:{row.cell.mix_name}"] = row.mix
            inputs[f"train:{row.cell.cell}"] = row.train
    return inputs
