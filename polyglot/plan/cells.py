"""The stages of one cell: a model trained on one mix with one seed (or not tuned), its answers, its verdicts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from polyglot.core.mix import Mix
from polyglot.core.stage import PlannedStage
from polyglot.kinds.answer import AnswerParams
from polyglot.kinds.ask import AskParams
from polyglot.kinds.cells import STUDYS_JUDGE, ArmKey, Cell, Rule
from polyglot.kinds.chat import ChatModel
from polyglot.kinds.imported import ImportedParams
from polyglot.kinds.judge import JudgeParams
from polyglot.kinds.mix import MixParams
from polyglot.kinds.panel import PanelParams
from polyglot.kinds.templates import TEMPLATES
from polyglot.kinds.train import Recipe, TrainParams
from polyglot.plan.contrasts import ENGLISH
from polyglot.plan.planner import Planner
from polyglot.plan.sources import BUILT_IN_AUTHOR, Sources, reference_categories
from polyglot.study.chat import asking_settings
from polyglot.study.judge import PanelJudge
from polyglot.study.lock import Locked

RULES: tuple[Rule, ...] = ("mean", "majority")
BUILT_IN_JUDGE = "polyglot-rules"  # the model name under which the built-in judge server answers


@dataclass(frozen=True, slots=True, kw_only=True)
class CellStages:
    """A cell and the stages behind it; `mix` and `train` are None for an untuned base and a baseline."""

    cell: Cell
    mix: PlannedStage | None
    train: PlannedStage | None
    answer: PlannedStage
    judge: PlannedStage


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnMix:
    """One draw of a mix; `drawn` is what names it behind the mix, "" for the first one."""

    name: str  # of the mix among the report's inputs
    draw: int
    drawn: str
    stage: PlannedStage


def untuned_stages(planner: Planner, locked: Locked, sources: Sources, model: str) -> CellStages:
    """The base model as it is: what instruction tuning starts from."""
    cell = Cell(cell=f"{model}/untuned", model=model, dataset=None, mix=None)
    return _evaluated(planner, locked, sources, cell, model=sources.bases[model], mix=None, train=None)


def baseline_stages(planner: Planner, locked: Locked, sources: Sources, name: str) -> CellStages:
    """A model that is not tuned: in the store, or behind an endpoint."""
    baseline = locked.study.baselines[name]
    if baseline.answers is not None:
        return _imported_stages(planner, locked, sources, name)
    what: Literal["model", "endpoint"] = "endpoint" if baseline.asked else "model"
    cell = Cell(cell=ArmKey.baseline(name).arm, model=name, dataset=None, mix=None, baseline=what)
    if baseline.endpoint is None:
        return _evaluated(planner, locked, sources, cell, model=sources.bases[name], mix=None, train=None)
    answers = locked.study.answers
    one = baseline.temperature is not None
    params = AskParams(
        languages=sources.languages,
        endpoint=baseline.endpoint,
        model=baseline.model or BUILT_IN_AUTHOR,
        systems={language: locked.study.system(language) for language in sources.languages},
        temperatures={} if one else answers.temperatures,
        default_temperature=answers.default_temperature if baseline.temperature is None else baseline.temperature,
        max_tokens=baseline.max_tokens or answers.max_new_tokens,
        top_p=answers.top_p,
        samples=answers.samples,
        seed=baseline.seed,
        reasoning_effort=baseline.reasoning_effort,
    )
    asked = {"questions": sources.questions}
    answer = planner.add(f"ask {cell.cell}", params, asked, settings=asking_settings(baseline), asks=name)
    return _with_verdicts(planner, locked, sources, cell, answer, mix=None, train=None)


def _imported_stages(planner: Planner, locked: Locked, sources: Sources, name: str) -> CellStages:
    """A model whose answers, and perhaps the verdicts on them, others have made."""
    baseline = locked.study.baselines[name]
    what: Literal["answers", "verdicts"] = "answers" if baseline.verdicts is None else "verdicts"
    cell = Cell(cell=ArmKey.baseline(name).arm, model=name, dataset=None, mix=None, baseline=what)
    inputs = {"questions": sources.questions}
    params = _imported(locked, sources, name, "answers")
    answer = planner.add(f"read-answers {cell.cell}", params, inputs)
    if baseline.verdicts is None:
        return _with_verdicts(planner, locked, sources, cell, answer, mix=None, train=None)
    params = _imported(locked, sources, name, "verdicts")
    judge = planner.add(f"read-verdicts {cell.cell}", params, {**inputs, "answers": answer})
    return CellStages(cell=cell, mix=None, train=None, answer=answer, judge=judge)


def _imported(locked: Locked, sources: Sources, name: str, what: Literal["answers", "verdicts"]) -> ImportedParams:
    files = locked.files_at("baselines", name, what)
    return ImportedParams(
        what=what,
        languages=sources.languages,
        files={language: files[language][0] for language in sources.languages},
        model=locked.study.baselines[name].model,
    )


def cell_stages(
    planner: Planner, locked: Locked, sources: Sources, model: str, dataset: str, arm: Mix
) -> Iterator[CellStages]:
    """One cell per seed, and per draw where the order of ids matters: in sampled mixes and below full size."""
    for mix in mix_stages(planner, locked, sources, model, dataset, arm):
        for seed in locked.study.seeds:
            cell = Cell(
                cell=f"{model}/{dataset}/{arm.canonical}/s{seed}{mix.drawn}",
                model=model,
                dataset=dataset,
                mix=arm.form.canonical,
                languages=arm.languages,
                sampled=arm.sampled,
                size=arm.size,
                seed=seed,
                draw=mix.draw,
            )
            train = _train_stage(planner, locked, sources, cell, mix.stage)
            yield _evaluated(planner, locked, sources, cell, model=train, mix=mix.stage, train=train)


def mix_stages(
    planner: Planner, locked: Locked, sources: Sources, model: str, dataset: str, arm: Mix
) -> Iterator[DrawnMix]:
    """The draws of a mix."""
    draws = locked.study.draws
    for draw in draws if arm.sampled or arm.size is not None else draws[:1]:
        drawn = f"/d{draw}" if draw != draws[0] else ""
        name = f"{model}/{dataset}/{arm.canonical}{drawn}"
        stage = _mix_stage(planner, locked, sources, model, dataset, arm, draw, name)
        yield DrawnMix(name=name, draw=draw, drawn=drawn, stage=stage)


def _mix_stage(
    planner: Planner, locked: Locked, sources: Sources, model: str, dataset: str, arm: Mix, draw: int, name: str
) -> PlannedStage:
    canonical = arm.form.canonical
    published = sources.mixed.get((dataset, canonical))
    params = MixParams(
        mix=canonical,
        languages=arm.languages,
        weights=arm.weights,
        sampled=arm.sampled,
        size=arm.size,
        draw=draw,
        temperature=arm.temperature,
        decontaminate=locked.study.datasets[dataset].decontaminate,
        published=published is not None,
    )
    inputs = {"hits": sources.hits[dataset]}
    if published is not None:
        inputs |= {"published": published, "rows": sources.data[dataset]}
    inputs |= _tokens(sources, model, dataset, arm.languages)
    return planner.add(f"mix {name}", params, inputs, mix=arm.canonical)


def _tokens(sources: Sources, model: str, dataset: str, languages: Sequence[str]) -> dict[str, PlannedStage]:
    return {f"tokens:{language}": sources.tokens[model, dataset, language] for language in languages}


def _train_stage(planner: Planner, locked: Locked, sources: Sources, cell: Cell, mix: PlannedStage) -> PlannedStage:
    params = planner.once(("train", cell.model), lambda: _train_params(locked, cell.model))
    inputs = {"base": sources.bases[cell.model], "mix": mix}
    inputs |= _tokens(sources, cell.model, cell.dataset or "", cell.languages)
    inputs |= {
        f"validation:{language}": stage
        for (model, dataset, language), stage in sources.validation.items()
        if (model, dataset) == (cell.model, cell.dataset)
    }
    return planner.add(f"train {cell.cell}", params, inputs, seed=cell.seed, mix=mix.mix)


def _train_params(locked: Locked, model: str) -> TrainParams:
    training = locked.study.training_of(model)
    return TrainParams(
        **training.model_dump(include=set(Recipe.model_fields)),
        packed_tokens=training.max_tokens if training.packing == "step" else None,
    )


def _evaluated(
    planner: Planner,
    locked: Locked,
    sources: Sources,
    cell: Cell,
    *,
    model: PlannedStage,
    mix: PlannedStage | None,
    train: PlannedStage | None,
) -> CellStages:
    name = "answer", cell.model, cell.baseline
    params = planner.once(name, lambda: _answer_params(locked, sources, cell))
    inputs = {"model": model, "questions": sources.questions}
    answer = planner.add(f"answer {cell.cell}", params, inputs, mix=mix.mix if mix else "")
    return _with_verdicts(planner, locked, sources, cell, answer, mix=mix, train=train)


def _answer_params(locked: Locked, sources: Sources, cell: Cell) -> AnswerParams:
    """The same for all cells of a model."""
    study = locked.study
    model = study.baselines[cell.model] if cell.baseline else study.models[cell.model]
    return AnswerParams(
        languages=sources.languages,
        template=model.template,
        template_date=model.template_date,
        stops=TEMPLATES[model.template].stops,
        systems={language: study.system(language) for language in sources.languages},
        **study.answers.model_dump(),
    )


def _with_verdicts(
    planner: Planner,
    locked: Locked,
    sources: Sources,
    cell: Cell,
    answer: PlannedStage,
    *,
    mix: PlannedStage | None,
    train: PlannedStage | None,
) -> CellStages:
    """The cell whose answers these are, with the verdicts on them."""
    verdicts = _judged(planner, locked, sources, cell, answer, references_of(locked, sources))
    return CellStages(cell=cell, mix=mix, train=train, answer=answer, judge=verdicts)


def judged_against(locked: Locked) -> str:
    """The references that cells are judged against: what there is, unless the study says which."""
    benchmark, wanted = locked.study.benchmark, locked.study.judge.references
    return wanted or ("native" if benchmark.native_references is not None else "published")


def rejudged_stages(planner: Planner, locked: Locked, sources: Sources, row: CellStages) -> Iterator[CellStages]:
    """Rejudged cells: the same answers, judged against native references and by English prompts, where the study wants
    both kinds of either.

    What is not tuned has none: these contrasts are of mixes.
    """
    if row.mix is None:
        return
    if judged_against(locked) == "both" and sources.native is not None:
        verdicts = _judged(planner, locked, sources, row.cell.rejudged(), row.answer, sources.native)
        yield replace(row, cell=row.cell.rejudged(), judge=verdicts)
    if locked.study.judge.prompt_language == "both":
        cell = row.cell.prompted(ENGLISH)
        prompts = dict.fromkeys(sources.languages, locked.english_prompts_sha256)
        verdicts = _judged(planner, locked, sources, cell, row.answer, references_of(locked, sources), prompts)
        yield replace(row, cell=cell, judge=verdicts)


def retest_stage(
    planner: Planner, locked: Locked, sources: Sources, cells: Sequence[CellStages]
) -> PlannedStage | None:
    """Some verdicts on the first cell's answers, several times, where the study wants them."""
    retest = locked.study.judge.retest
    if retest is None:
        return None
    inputs = {"answers": cells[0].answer, **asked_about(sources, references_of(locked, sources))}
    asked = judging(locked, sources, locked.prompts_sha256)
    params = JudgeParams(**asked, repeats=retest.times, items=retest.items)
    settings = asking_settings(locked.study.judge)
    return planner.add(f"judge {cells[0].cell.cell} again", params, inputs, settings=settings)


def panel_stages(planner: Planner, locked: Locked, sources: Sources, row: CellStages) -> Iterator[CellStages]:
    """Rejudged cells: the same answers, judged by each further judge, and by all of them together."""
    members = locked.study.judge.members
    if not members or row.cell.otherwise or row.judge.stage.kind != JudgeParams.kind:
        return
    references, said = references_of(locked, sources), {STUDYS_JUDGE: row.judge}
    for name, judge in members.items():
        cell = row.cell.judged_by(name)
        said[name] = _judged(planner, locked, sources, cell, row.answer, references, judge=judge, asks=name)
        yield replace(row, cell=cell, judge=said[name])
    inputs = {f"verdicts:{name}": stage for name, stage in said.items()}
    for rule in RULES:
        cell = row.cell.judged_together(rule)
        params = PanelParams(what="verdicts", rule=rule, languages=sources.languages)
        together = planner.add(f"panel {cell.cell}", params, inputs, mix=row.answer.mix)
        yield replace(row, cell=cell, judge=together)


def references_of(locked: Locked, sources: Sources) -> PlannedStage | None:
    """Those that cells are judged against."""
    return sources.references if judged_against(locked) != "native" else sources.native


def _judged(
    planner: Planner,
    locked: Locked,
    sources: Sources,
    cell: Cell,
    answer: PlannedStage,
    references: PlannedStage | None,
    prompts: Mapping[str, str] | None = None,
    *,
    judge: PanelJudge | None = None,
    asks: str = "",
) -> PlannedStage:
    """The verdicts on a cell's answers, against references where there are any; by the study's judge, else `judge`."""
    inputs = {"answers": answer, **asked_about(sources, references)}
    name = "judge", asks, tuple((prompts or {}).items())
    params = planner.once(
        name, lambda: JudgeParams(**judging(locked, sources, prompts or locked.prompts_sha256, judge))
    )
    settings = asking_settings(judge or locked.study.judge)
    return planner.add(f"judge {cell.cell}", params, inputs, mix=answer.mix, settings=settings, asks=asks)


def asked_about(sources: Sources, references: PlannedStage | None) -> dict[str, PlannedStage]:
    """The benchmark's part of what a judge is shown."""
    return {"questions": sources.questions, **({} if references is None else {"references": references})}


def judging(
    locked: Locked, sources: Sources, prompts: Mapping[str, str], judge: PanelJudge | None = None
) -> dict[str, Any]:
    """Who judges, the study's judge or another, and by which prompts: the parameters of single grading and of pairs."""
    judge = judge or locked.study.judge
    asked = judge.model_dump(include=set(ChatModel.model_fields))
    return {
        **asked,
        "model": judge.model or BUILT_IN_JUDGE,
        "output": judge.output,
        "languages": sources.languages,
        "prompts_sha256": {language: prompts[language] for language in sources.languages},
        "reference_categories": reference_categories(locked.study),
    }
