"""What cells read: which stage makes each data set, part of the benchmark, base model and token set, and of what."""

from pathlib import Path

from polyglot.core.canonical import sha256_file
from polyglot.core.stage import PlannedStage
from polyglot.kinds.registry import traits_of
from polyglot.plan.planner import Planner
from polyglot.plan.sources import Sources, reference_categories, source_stages
from polyglot.study.profile import load_profile
from tests.kit.judge_rows import prompt_file
from tests.kit.small_studies import locked

HUB = "hub: a/b, revision: " + "1a" * 20 + ", format: lima-x, languages: [EN, DE]"
VALIDATED = "{house: {built-in: instructions, validation: 4}}"
NATIVE = "{built-in: verifiable, native-references: {endpoint: built-in}}"


class Made:
    """The sources of a study, and names for their stages."""

    def __init__(self, folder: Path, **changes: str | None) -> None:
        self.planner = Planner(load_profile("local"))
        self.sources: Sources = source_stages(self.planner, locked(folder, **changes))
        self.labels = {stage.key: stage.label for stage in self.planner.stages}

    def reads(self, stage: PlannedStage | None) -> dict[str, str]:
        """Role -> label of what a stage reads."""
        assert stage is not None
        return {role: self.labels[key] for role, key in stage.stage.inputs.items()}


def benchmark(folder: Path, rest: str = "") -> str:
    """A benchmark of files in EN and DE, with references in EN."""
    file = f"{{path: q, sha256: {sha256_file(prompt_file(folder / 'q'))}}}"  # prompts are read when a study is locked
    questions = f"{{EN: {file}, DE: {file}}}"
    prompts = questions if "ES" not in rest else f"{{EN: {file}, DE: {file}, ES: {file}}}"
    return f"{{format: mt-bench, questions: {questions}, references: {{EN: {file}}}, prompts: {prompts}{rest}}}"


class TestDataSets:
    def test_rows_of_every_language_come_from_the_stage_that_ingests_it(self, tmp_path: Path) -> None:
        made = Made(tmp_path)
        rows = made.sources.rows
        assert {stage.label for stage in rows.values()} == {"ingest house"}
        assert made.sources.data["house"] is rows["house", "EN"]
        assert made.sources.data["house"].stage.params["source"] == "built-in"

    def test_two_of_one_content_are_two_stages_of_one_key(self, tmp_path: Path) -> None:
        """They differ in how they are mixed alone."""
        sets = "{a: {built-in: instructions}, b: {built-in: instructions, decontaminate: near}}"
        made = Made(tmp_path, datasets=sets)
        first, second = made.sources.data["a"], made.sources.data["b"]
        assert (first.label, second.label) == ("ingest a", "ingest b")
        assert first.key == second.key

    def test_a_translated_language_is_read_from_its_translation_and_the_card_is_of_all(self, tmp_path: Path) -> None:
        """The data set that is translated stands after the one that translates it."""
        sets = "{made: {translate: {of: house, from: EN, to: [ES], engine: identity}}, house: {built-in: instructions}}"
        made = Made(tmp_path, datasets=sets, mixes="[EN, ES]")
        assert made.sources.rows["made", "EN"].label == "ingest house"
        assert made.sources.rows["made", "ES"].label == "translate made/ES"
        assert made.reads(made.sources.rows["made", "ES"]) == {"rows": "ingest house"}
        assert made.reads(made.sources.data["made"]) == {"rows:EN": "ingest house", "rows:ES": "translate made/ES"}
        assert made.reads(made.sources.tokens["tiny", "made", "ES"])["rows"] == "translate made/ES"

    def test_what_a_hub_has_is_named_by_its_revision_and_published_mixes_stand_apart(self, tmp_path: Path) -> None:
        sets = f"{{d: {{{HUB}, data-files: 'x_{{LANGUAGE}}.jsonl', published: {{ENDE: {{data-files: both.jsonl}}}}}}}}"
        made = Made(tmp_path, datasets=sets, mixes="[EN, ENDE]")
        whole, both = made.sources.data["d"].stage.params, made.sources.mixed["d", "ENDE"].stage.params
        assert (whole["hub"], whole["revision"], whole["what"]) == ("a/b", "1a" * 20, "dataset")
        assert (both["what"], both["data_files"], both["revision"]) == ("published", "both.jsonl", "1a" * 20)
        assert made.sources.mixed.keys() == {("d", "ENDE")}

    def test_what_a_data_set_shares_with_the_benchmark_is_found_once_for_all_its_mixes(self, tmp_path: Path) -> None:
        made = Made(tmp_path, mixes="[EN, DE, ENDE, ENDE-sampled]")
        assert made.sources.hits.keys() == {"house"}
        assert made.reads(made.sources.hits["house"]) == {
            "rows": "ingest house",
            "questions": "ingest benchmark/questions",
            "references": "ingest benchmark/references",
        }


class TestBenchmark:
    def test_parts_of_files_are_ingested_in_the_languages_that_they_have(self, tmp_path: Path) -> None:
        made = Made(tmp_path, benchmark=benchmark(tmp_path))
        assert made.sources.languages == ("EN", "DE")
        assert made.sources.questions.stage.params["languages"] == ["EN", "DE"]
        assert made.sources.references is not None
        assert made.sources.references.stage.params["languages"] == ["EN"]
        assert made.sources.prompts is not None
        assert made.sources.made == {}

    def test_translated_languages_join_the_published_ones_in_one_artifact(self, tmp_path: Path) -> None:
        made = Made(tmp_path, benchmark=benchmark(tmp_path, ", translate: {from: EN, to: [ES], engine: identity}"))
        assert made.sources.languages == ("EN", "DE", "ES")
        assert made.reads(made.sources.questions) == {
            "questions:EN": "ingest benchmark/questions",
            "questions:DE": "ingest benchmark/questions",
            "questions:ES": "translate benchmark/questions/ES",
        }
        assert made.reads(made.sources.references) == {
            "references:EN": "ingest benchmark/references",
            "references:ES": "translate benchmark/references/ES",
        }
        assert made.sources.made.keys() == {("questions", "ES"), ("references", "ES")}
        assert made.sources.published["questions"].label == "ingest benchmark/questions"

    def test_references_that_the_source_language_lacks_are_not_translated(self, tmp_path: Path) -> None:
        made = Made(tmp_path, benchmark=benchmark(tmp_path, ", translate: {from: DE, to: [ES], engine: identity}"))
        assert made.sources.made.keys() == {("questions", "ES")}
        assert made.sources.references is made.sources.published["references"]

    def test_native_references_are_written_for_its_questions_in_the_categories_that_are_judged_so(
        self, tmp_path: Path
    ) -> None:
        made = Made(tmp_path, benchmark=NATIVE, judge="{endpoint: built-in, references: both}")
        assert made.reads(made.sources.native) == {"questions": "ingest benchmark/questions"}
        assert made.sources.native is not None
        assert made.sources.native.stage.params["categories"] == "all"
        assert Made(tmp_path).sources.native is None

    def test_only_mt_bench_s_own_categories_are_judged_against_references_unless_told(self, tmp_path: Path) -> None:
        files = benchmark(tmp_path)
        told = "{endpoint: built-in, reference-categories: [writing]}"
        assert reference_categories(locked(tmp_path).study) == "all"
        assert reference_categories(locked(tmp_path, benchmark=files).study) == ("math", "reasoning", "coding")
        assert reference_categories(locked(tmp_path, benchmark=files, judge=told).study) == ("writing",)

    def test_a_study_without_one_has_data_alone(self, tmp_path: Path) -> None:
        made = Made(
            tmp_path,
            **dict.fromkeys(("models", "mixes", "training", "benchmark", "judge"), None),
            quality="[{name: people, data: house, from: EN, to: ES}]",
        )
        sources = made.sources
        assert made.labels == {sources.data["house"].key: "ingest house"}
        assert (sources.tokens, sources.bases, sources.hits, sources.languages) == ({}, {}, {}, ())


class TestModels:
    def test_a_built_in_one_is_of_its_seed_and_the_studys_system_prompts(self, tmp_path: Path) -> None:
        base = Made(tmp_path, models="{tiny: {built-in: {seed: 3, steps: 5}}}").sources.bases["tiny"].stage
        assert (base.seed, base.params["steps"]) == (3, 5)
        assert base.params["systems"].keys() == base.params["shares"].keys()

    def test_one_of_a_hub_is_its_name_and_revision_and_nothing_else(self, tmp_path: Path) -> None:
        made = Made(tmp_path, models="{big: {hub: a/b, revision: " + "1a" * 20 + "}}")
        base = made.sources.bases["big"].stage
        assert (base.params["source"], base.params["hub"], base.params["revision"]) == ("hub", "a/b", "1a" * 20)
        assert (base.seed, dict(base.inputs)) == (None, {})


class TestTokens:
    def test_there_is_a_set_for_each_model_data_set_and_language_that_is_mixed(self, tmp_path: Path) -> None:
        made = Made(
            tmp_path,
            models="{a: {built-in: {seed: 1}}, b: {built-in: {seed: 2}}}",
            datasets="{x: {built-in: instructions}, y: {built-in: instructions, decontaminate: near}}",
            mixes="[EN, DEFR]",
        )
        wanted = {(model, data, language) for model in "ab" for data in "xy" for language in ("EN", "DE", "FR")}
        assert made.sources.tokens.keys() == wanted
        for (model, data, language), stage in made.sources.tokens.items():
            assert stage.label == f"tokenize {model}/{data}/{language}"
            assert stage.stage.inputs == {"rows": made.sources.data[data].key, "base": made.sources.bases[model].key}
            assert stage.stage.params["language"] == language

    def test_validation_is_in_all_languages_that_are_mixed_or_asked_in(self, tmp_path: Path) -> None:
        made = Made(tmp_path, datasets=VALIDATED, mixes="[EN]")
        assert {language for *_, language in made.sources.tokens} == {"EN"}
        assert {language for *_, language in made.sources.validation} == {"EN", "DE", "FR", "IT", "ES"}
        one = made.sources.validation["tiny", "house", "DE"]
        assert (one.label, one.stage.params["part"]) == ("tokenize tiny/house/DE/validation", "validation")
        assert Made(tmp_path).sources.validation == {}

    def test_the_studys_limits_and_system_prompts_are_theirs(self, tmp_path: Path) -> None:
        made = Made(
            tmp_path,
            training="{steps: 10, max-tokens: 77, over-long: drop}",
            systems="{EN: 'Be brief.', DE: 'Sei kurz.', FR: 'Sois bref.', IT: 'Sii breve.', ES: 'Sé breve.'}",
        )
        params = made.sources.tokens["tiny", "house", "DE"].stage.params
        assert (params["max_tokens"], params["over_long"], params["system"]) == (77, "drop", "Sei kurz.")


def test_every_stage_comes_after_what_it_reads(tmp_path: Path) -> None:
    made = Made(tmp_path, datasets=VALIDATED, benchmark=NATIVE, judge="{endpoint: built-in, references: both}")
    seen: set[str] = set()
    for stage in made.planner.stages:
        assert set(stage.stage.inputs.values()) <= seen
        seen.add(stage.key)


def test_a_conversion_and_a_bucket_are_in_a_base_models_key_only_where_they_are_said(tmp_path: Path) -> None:
    hub, digest = f"hub: a/b, revision: {'1a' * 20}", "2b" * 32
    models = {
        "hub": f"{{{hub}}}",
        "converted": f"{{{hub}, convert: pickle}}",
        "prefix": f"{{prefix: 's3://b/m', sha256: {digest}}}",
    }
    found = {}
    for name, source in models.items():
        found[name] = Made(tmp_path, models=f"{{m: {source}}}").sources.bases["m"].stage
    assert not {"convert", "prefix", "sha256"} & found["hub"].params.keys()
    assert dict(found["converted"].params) == {**found["hub"].params, "convert": "pickle"}
    assert (found["prefix"].params["prefix"], found["prefix"].params["sha256"]) == ("s3://b/m", digest)
    assert traits_of(found["prefix"]).fetches_sources
    assert not traits_of(found["prefix"]).fetches_from_hub
