"""What a plan is checked by before anything costly starts: one check of the study, and a probe of each endpoint.

Every costly or paid stage comes after all of them, but for what the check itself reads: a translation that is paid for
comes after the probes alone. What is asked through another client than that of chat models (DeepL) has no probe: its
stage is among the first, and its first call is one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.kinds.chat import ChatForm
from polyglot.kinds.check import CheckedModel, CheckParams, TrainingLength
from polyglot.kinds.kind import Asks
from polyglot.kinds.probe import ProbeParams, most_usd
from polyglot.kinds.registry import kind_of, traits_of
from polyglot.plan.cells import judged_against
from polyglot.plan.plan import needed_for
from polyglot.plan.planner import Planner
from polyglot.plan.sources import Sources, reference_categories
from polyglot.study.lock import Locked, models
from polyglot.study.study import Study


def checked(planner: Planner, locked: Locked, sources: Sources, report: PlannedStage) -> list[PlannedStage]:
    """All that a report needs, with what checks it. Raises BadInput for processes that a training has no use for."""
    stages = needed_for([report], planner.stages)
    _check_settings(locked, stages)
    probes = list(_probes(planner, stages))
    costly = any(kind_of(planned.stage.kind).costly for planned in stages)
    check = [_check(planner, locked, sources, stages)] if costly else []
    read = {planned.key for planned in needed_for(check, stages)}
    before, after = tuple(one.key for one in probes), tuple(one.key for one in (*probes, *check))

    def placed(planned: PlannedStage) -> PlannedStage:
        waits = kind_of(planned.stage.kind).costly or traits_of(planned.stage).asks
        return replace(planned, after=before if planned.key in read else after) if waits else planned

    return [*map(placed, stages), *check, *probes]


def _check_settings(locked: Locked, stages: Sequence[PlannedStage]) -> None:
    """The processes of a training share the samples of each step; and settings go with parameters."""
    study = locked.study
    batches = [(study.training_of(model).batch_size, model) for model in study.models]
    batch, model = min(batches, default=(study.training.batch_size, ""))
    place = "training" if batch == study.training.batch_size else f"models.{model}.training"
    for planned in stages:
        kind, resources = kind_of(planned.stage.kind), planned.resources
        size = kind.world_size(resources, planned.settings)
        if said := kind.clash(planned.stage.params, planned.settings):
            raise BadInput(said, where=f"settings.{kind.name} of the profile", remedy="Take one of the two")
        takes_fewer = bool(resources.gpus) and planned.settings.get("layout") == "auto"
        if kind.tunes and size > batch and not takes_fewer:
            inside = kind.processes(resources, planned.settings)
            raise BadInput(
                "more processes than a step has samples",
                where=f"resources.{kind.name} of the profile",
                got=f"{size}: {resources.ranks} ranks of {inside} {'GPUs' if resources.gpus else 'processes'}",
                expected=f"at most `{place}.batch-size`, {batch}",
                remedy="Take fewer, or larger batches",
            )


def _probes(planner: Planner, stages: Sequence[PlannedStage]) -> Iterator[PlannedStage]:
    """One for each kind that asks a chat model, and for each endpoint with a name: it is a setting that all share."""
    askers: dict[tuple[str, Asks, str], list[PlannedStage]] = {}
    for planned in stages:
        if kind_of(planned.stage.kind).forms(planned.stage.params):
            asks, endpoint = traits_of(planned.stage).asks, planner.endpoints.get(planned.key, "")
            askers.setdefault((planned.stage.kind, asks, endpoint), []).append(planned)
    for (kind, asks, endpoint), asking in askers.items():
        found = (form for planned in asking for form in kind_of(kind).forms(planned.stage.params))
        forms: tuple[ChatForm, ...] = tuple(dict.fromkeys(found))
        settings = dict(max(asking, key=lambda planned: most_usd(forms, planned.settings)).settings)
        if most := most_usd(forms, settings):
            settings["max_usd"] = most
        label = " ".join(part for part in ("probe", kind, endpoint) if part)
        params = ProbeParams(asker=kind, asks=asks, forms=forms, endpoint=endpoint)
        yield planner.add(label, params, settings=settings)


def _check(planner: Planner, locked: Locked, sources: Sources, stages: Sequence[PlannedStage]) -> PlannedStage:
    """The check of what these stages read."""
    study, needed = locked.study, {planned.key for planned in stages}
    published = judged_against(locked) != "native"
    inputs = {f"base:{name}": base for name, base in sources.bases.items()}
    inputs |= {f"data:{name}": data for name, data in sources.data.items()}
    inputs |= {f"tokens:{'/'.join(name)}": tokens for name, tokens in sources.tokens.items()}
    inputs |= {f"validation:{'/'.join(name)}": tokens for name, tokens in sources.validation.items()}
    inputs |= {f"mix:{one.label.removeprefix('mix ')}": one for one in stages if one.stage.kind == "mix"}
    inputs = {role: stage for role, stage in inputs.items() if stage.key in needed}
    inputs["questions"] = sources.questions
    if published and sources.references is not None:
        inputs["references"] = sources.references
    params = CheckParams(
        languages=sources.languages,
        systems={language: study.system(language) for language in sources.languages},
        models={
            str(name): CheckedModel(
                section="models" if section == "models" else "baselines",
                template=model.template,
                template_date=model.template_date,
                training=_own_length(study, str(name)) if section == "models" else None,
                lora_modules=study.training_of(str(name)).lora_modules if section == "models" else None,
                router_loss=section == "models" and study.training_of(str(name)).router_loss > 0,
            )
            for (section, name), model in models(study)
            if f"base:{name}" in inputs
        },
        max_new_tokens=study.answers.max_new_tokens,
        epochs=study.training.epochs,
        batch_size=study.training.batch_size,
        warmup_steps=study.training.warmup_steps,
        prompts_sha256={language: locked.prompts_sha256[language] for language in sources.languages},
        reference_categories=reference_categories(study),
        over_long=study.benchmark.over_long,
        wrong_references=study.benchmark.wrong_references,
        native=not published,
    )
    return planner.add("check", params, inputs)


def _own_length(study: Study, model: str) -> TrainingLength | None:
    """How long a model is trained, where it is not as long as the study says."""
    said, own = (
        TrainingLength(epochs=one.epochs, batch_size=one.batch_size, warmup_steps=one.warmup_steps)
        for one in (study.training, study.training_of(model))
    )
    return own if own != said else None
