"""The stages that do not depend on a mix: data sets, benchmark, base models, and token sets of every language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from polyglot.core.section import Place
from polyglot.core.stage import PlannedStage
from polyglot.kinds.base import BaseParams
from polyglot.kinds.chat import ChatModel
from polyglot.kinds.contamination import ContaminationParams
from polyglot.kinds.ingest import IngestParams
from polyglot.kinds.reference import ReferenceParams
from polyglot.kinds.tokenize import TokenizeParams
from polyglot.plan.planner import Planner
from polyglot.plan.translation import What, translate_stage
from polyglot.study.chat import asking_settings
from polyglot.study.lock import Locked, models
from polyglot.study.references import PROMPT_VERSION
from polyglot.study.sources import Model
from polyglot.study.study import Study

BUILT_IN_AUTHOR = "polyglot-solver"  # the model name under which the built-in author of references answers
MT_BENCH_REFERENCES = ("math", "reasoning", "coding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the cells of a study read. `languages` are the benchmark's.

    `tokens` is by (model, data set, language), of the languages that mixes are made of; so is `validation`, of all that
    are mixed or asked in, so that every mix is validated on the same ones.

    `rows` has, by (data set, language), the stage that wrote `rows/<LANG>.jsonl`; `data` has the stage whose card is of
    the whole data set and that holds all its languages. They are one stage, but where languages are translated.
    `hits` has the benchmark's texts in each data set, `mixed` the published files of whole mixes by (data set, mix).
    `questions` and `references` hold all languages of the benchmark; `made` has, by (part, language), the stages that
    translated some, `published` those that read the files.
    `bases` are by name of the model, or of a baseline that is in the store.
    `native` are references that a model writes in every language.
    `prompts` is the card of judge prompts that the study brings. Only the report reads it, so that changed prompts
    judge again and answer nothing again.
    """

    rows: Mapping[tuple[str, str], PlannedStage]
    data: Mapping[str, PlannedStage]
    hits: Mapping[str, PlannedStage]
    mixed: Mapping[tuple[str, str], PlannedStage]
    bases: Mapping[str, PlannedStage]
    tokens: Mapping[tuple[str, str, str], PlannedStage]
    validation: Mapping[tuple[str, str, str], PlannedStage]
    questions: PlannedStage
    references: PlannedStage | None
    native: PlannedStage | None
    published: Mapping[What, PlannedStage]
    made: Mapping[tuple[What, str], PlannedStage]
    prompts: PlannedStage | None
    languages: tuple[str, ...]


def source_stages(planner: Planner, locked: Locked) -> Sources:
    """Add the source stages of a study and return them."""
    study = locked.study
    data, rows = _data_stages(planner, locked)
    bases = {str(place[-1]): _base_stage(planner, locked, place, model) for place, model in models(study)}
    parts: tuple[What, ...] = ("questions",)
    if not study.has_benchmark:
        return _data_alone(data, rows)
    if study.benchmark.has_references:
        parts = ("questions", "references")
    published = {part: planner.add(f"ingest benchmark/{part}", _benchmark(locked, part)) for part in parts}
    made: dict[tuple[What, str], PlannedStage] = {}
    whole = {part: _whole_part(planner, locked, part, published[part], made) for part in parts}
    return Sources(
        rows=rows,
        data=data,
        hits=_contamination(planner, locked, data, whole),
        mixed={
            (name, mix): planner.add(f"ingest {name}/{mix}", _published_mix(locked, name, mix))
            for name, dataset in study.datasets.items()
            for mix in dataset.published
        },
        bases=bases,
        tokens={
            (model, dataset, language): _tokenize(planner, locked, bases, rows, model, dataset, language, "rows")
            for model in study.models
            for dataset in study.datasets
            for language in study.mixed_languages
        },
        validation={
            (model, dataset, language): _tokenize(planner, locked, bases, rows, model, dataset, language, "validation")
            for model in study.models
            for dataset in study.datasets
            if study.has_validation(dataset)
            for language in study.datasets[dataset].all_languages
            if language in study.mixed_languages or language in study.benchmark.languages
        },
        questions=whole["questions"],
        references=whole.get("references"),
        native=_native(planner, locked, whole["questions"]),
        published=published,
        made=made,
        prompts=planner.add("ingest prompts", _prompts(locked)) if _brings_prompts(locked) else None,
        languages=study.benchmark.languages,
    )


def _tokenize(
    planner: Planner,
    locked: Locked,
    bases: Mapping[str, PlannedStage],
    rows: Mapping[tuple[str, str], PlannedStage],
    model: str,
    dataset: str,
    language: str,
    part: Literal["rows", "validation"],
) -> PlannedStage:
    study = locked.study
    training = study.training_of(model)
    return planner.add(
        f"tokenize {model}/{dataset}/{language}" + ("" if part == "rows" else f"/{part}"),
        TokenizeParams(
            language=language,
            part=part,
            template=study.models[model].template,
            template_date=study.models[model].template_date,
            system=study.system(language),
            max_tokens=training.max_tokens,
            over_long=training.over_long,
        ),
        {"rows": rows[dataset, language], "base": bases[model]},
    )


def _data_alone(data: Mapping[str, PlannedStage], rows: Mapping[tuple[str, str], PlannedStage]) -> Sources:
    """The sources of a study without a benchmark; `questions` stands for nothing, as only cells read it."""
    return Sources(
        rows=rows,
        data=data,
        hits={},
        mixed={},
        bases={},
        tokens={},
        validation={},
        questions=next(iter(data.values())),
        references=None,
        native=None,
        published={},
        made={},
        prompts=None,
        languages=(),
    )


def _contamination(
    planner: Planner, locked: Locked, data: Mapping[str, PlannedStage], benchmark: Mapping[What, PlannedStage]
) -> dict[str, PlannedStage]:
    """What each data set shares with the benchmark; once, whatever mixes are made of it."""
    return {
        name: planner.add(
            f"contamination {name}",
            ContaminationParams(languages=locked.study.datasets[name].all_languages),
            {"rows": stage, **{str(part): made for part, made in benchmark.items()}},
        )
        for name, stage in data.items()
    }


def _published_mix(locked: Locked, name: str, mix: str) -> IngestParams:
    """A file of a whole mix: its rows are of several languages, so it stands by "*"."""
    dataset = locked.study.datasets[name]
    files = locked.files.get(("datasets", name, "published", mix, "files"), ())
    return IngestParams(
        what="published",
        languages=dataset.all_languages,
        source="hub" if dataset.hub else "files",
        format=dataset.format,
        files={"*": files} if files else {},
        hub=dataset.hub,
        revision=dataset.revision,
        data_files=dataset.published[mix].data_files,
    )


def _data_stages(
    planner: Planner, locked: Locked
) -> tuple[dict[str, PlannedStage], dict[tuple[str, str], PlannedStage]]:
    """Every data set's stages: by its name the whole, by name and language the rows. What is translated comes first."""
    data: dict[str, PlannedStage] = {}
    rows: dict[tuple[str, str], PlannedStage] = {}

    def add(name: str) -> None:
        dataset = locked.study.datasets[name]
        if name in data:
            return
        if dataset.translate is None:
            data[name] = planner.add(f"ingest {name}", _dataset(locked, name))
            rows.update({(name, language): data[name] for language in dataset.all_languages})
            return
        of, source = dataset.translate[0].of, dataset.translate[0].source
        add(of)
        rows[name, source] = rows[of, source]
        for number, part in enumerate(dataset.translate):
            files = locked.files.get(("datasets", name, "translate", number, "files"), ())
            for target in part.to:
                rows[name, target] = translate_stage(
                    planner,
                    f"translate {name}/{target}",
                    part,
                    rows[of, source],
                    what="dataset",
                    source=source,
                    target=target,
                    files=files,
                )
        by_language = {language: rows[name, language] for language in dataset.all_languages}
        data[name] = _gathered(planner, f"ingest {name}", "dataset", by_language)

    for name in locked.study.datasets:
        add(name)
    return data, rows


def _gathered(planner: Planner, label: str, what: What, by_language: Mapping[str, PlannedStage]) -> PlannedStage:
    """All languages of what several stages made, in one artifact with one card."""
    params = IngestParams(what=what, languages=tuple(by_language), source="stages", format="normal")
    role = "rows" if what == "dataset" else what
    return planner.add(label, params, {f"{role}:{language}": stage for language, stage in by_language.items()})


def _whole_part(
    planner: Planner,
    locked: Locked,
    what: What,
    published: PlannedStage,
    made: dict[tuple[What, str], PlannedStage],
) -> PlannedStage:
    """Questions or references in all the benchmark's languages that have any; `made` gets what is translated."""
    benchmark = locked.study.benchmark
    files = benchmark.questions if what == "questions" else benchmark.references
    by_language = dict.fromkeys(files or (), published)
    for number, part in enumerate(benchmark.translate or ()):
        if part.source not in (files or ()):
            continue  # no references to translate
        for target in part.to:
            made[what, target] = by_language[target] = translate_stage(
                planner,
                f"translate benchmark/{what}/{target}",
                part,
                published,
                what=what,
                source=part.source,
                target=target,
                files=locked.files.get(("benchmark", "translate", number, "files"), ()),
            )
    if all(stage is published for stage in by_language.values()):
        return published
    return _gathered(planner, f"ingest benchmark/{what}/all", what, by_language)


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
            validation_ids=dataset.validation if isinstance(dataset.validation, int) else 0,
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
        pair_by=dataset.pair_by,
        language_column=dataset.language_column,
        licence=dataset.licence,
        validation_ids=dataset.validation if isinstance(dataset.validation, int) else 0,
        validation_files=locked.files_at("datasets", name, "validation"),
        validation_split=dataset.validation_split,
        validation_data_files=dataset.validation_data_files,
    )


def _benchmark(locked: Locked, what: What) -> IngestParams:
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


def _native(planner: Planner, locked: Locked, questions: PlannedStage) -> PlannedStage | None:
    native = locked.study.benchmark.native_references
    if native is None:
        return None
    asked = native.model_dump(include=set(ChatModel.model_fields))
    params = ReferenceParams(
        **{**asked, "model": native.model or BUILT_IN_AUTHOR},
        languages=locked.study.benchmark.languages,
        categories=native.categories if native.categories is not None else reference_categories(locked.study),
        prompt=PROMPT_VERSION,
    )
    return planner.add("reference benchmark", params, {"questions": questions}, settings=asking_settings(native))


def reference_categories(study: Study) -> tuple[str, ...] | Literal["all"]:
    """The categories that are judged against references."""
    given = study.judge.reference_categories
    if given is not None:
        return given
    return "all" if study.benchmark.built_in is not None else MT_BENCH_REFERENCES


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


def _base_stage(planner: Planner, locked: Locked, place: Place, model: Model) -> PlannedStage:
    label = f"base {place[-1]}"
    if model.built_in is not None:
        given = model.built_in.model_dump(exclude={"seed"})
        systems = {language: locked.study.system(language) for language in model.built_in.shares}
        params = BaseParams(source="built-in", systems=systems, **given)
        return planner.add(label, params, seed=model.built_in.seed)
    if model.hub is not None:
        params = BaseParams(source="hub", hub=model.hub, revision=model.revision, convert=model.convert)
    elif model.prefix is not None:
        params = BaseParams(source="prefix", prefix=model.prefix, sha256=model.sha256)
    else:
        params = BaseParams(source="files", files=locked.files[*place, "files"], convert=model.convert)
    return planner.add(label, params)
