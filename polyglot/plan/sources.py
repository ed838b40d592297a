"""The stages that do not depend on a mix: data sets, benchmark, base models, and token sets of every language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from polyglot.core.stage import PlannedStage
from polyglot.plan.planner import Planner
from polyglot.spec.lock import Locked
from polyglot.spec.params import BaseParams, IngestParams, TokenizeParams


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the cells of a study read. `tokens` is by (model, data set, language), `languages` are the benchmark's.

    `prompts` is the card of judge prompts that the study brings. Only the report reads it, so that changed prompts
    judge again and answer nothing again.
    """

    rows: Mapping[str, PlannedStage]
    bases: Mapping[str, PlannedStage]
    tokens: Mapping[tuple[str, str, str], PlannedStage]
    questions: PlannedStage
    references: PlannedStage | None
    prompts: PlannedStage | None
    languages: tuple[str, ...]


def source_stages(planner: Planner, locked: Locked) -> Sources:
    """Add the source stages of a study and return them."""
    study = locked.study
    rows = {name: planner.add(f"ingest {name}", _dataset(locked, name)) for name in study.datasets}
    bases = {name: _base_stage(planner, locked, name) for name in study.models}
    tokens = {
        (model, dataset, language): planner.add(
            f"tokenize {model}/{dataset}/{language}",
            TokenizeParams(
                language=language,
                template=study.models[model].template,
                system=study.system(language),
                max_tokens=study.training.max_tokens,
                over_long=study.training.over_long,
            ),
            {"rows": rows[dataset], "base": bases[model]},
        )
        for model in study.models
        for dataset in study.datasets
        for language in study.mixed_languages
    }
    questions = planner.add("ingest benchmark/questions", _benchmark(locked, "questions"))
    has_references = study.benchmark.built_in is not None or bool(study.benchmark.references)
    references = None
    if has_references:
        references = planner.add("ingest benchmark/references", _benchmark(locked, "references"))
    return Sources(
        rows=rows,
        bases=bases,
        tokens=tokens,
        questions=questions,
        references=references,
        prompts=planner.add("ingest prompts", _prompts(locked)) if _brings_prompts(locked) else None,
        languages=study.benchmark.languages,
    )


def _dataset(locked: Locked, name: str) -> IngestParams:
    dataset = locked.study.datasets[name]
    if dataset.built_in is not None:
        return IngestParams(
            what="dataset",
            languages=dataset.all_languages,
            source="built-in",
            format="bactrian-x",
            builtin=dataset.built_in,
            licence=dataset.licence,
        )
    return IngestParams(
        what="dataset",
        languages=dataset.all_languages,
        source="hub" if dataset.hub else "files",
        format=dataset.format,
        files=locked.files_at("datasets", name, "files"),
        hub=dataset.hub,
        revision=dataset.revision,
        config=dataset.config,
        split=dataset.split,
        data_files=dataset.data_files,
        licence=dataset.licence,
    )


def _benchmark(locked: Locked, what: Literal["questions", "references"]) -> IngestParams:
    benchmark = locked.study.benchmark
    files = locked.files_at("benchmark", what)
    return IngestParams(
        what=what,
        languages=tuple(files) or benchmark.languages,
        source="built-in" if benchmark.built_in else "files",
        format="mt-bench",
        builtin=benchmark.built_in,
        files=files,
    )


def _brings_prompts(locked: Locked) -> bool:
    return bool(locked.study.benchmark.prompts or locked.study.judge.prompts)


def _prompts(locked: Locked) -> IngestParams:
    return IngestParams(
        what="prompts",
        languages=tuple(locked.prompts),
        source="files",
        format="mt-bench",
        files={language: (file,) for language, file in locked.prompts.items()},
    )


def _base_stage(planner: Planner, locked: Locked, name: str) -> PlannedStage:
    model = locked.study.models[name]
    if model.built_in is not None:
        given = model.built_in.model_dump(exclude_none=True, exclude={"seed"})
        systems = {language: locked.study.system(language) for language in model.built_in.shares}
        params = BaseParams(source="built-in", systems=systems, **given)
        return planner.add(f"base {name}", params, seed=model.built_in.seed)
    if model.hub is not None:
        return planner.add(f"base {name}", BaseParams(source="hub", hub=model.hub, revision=model.revision))
    return planner.add(f"base {name}", BaseParams(source="files", files=locked.files["models", name, "files"]))
