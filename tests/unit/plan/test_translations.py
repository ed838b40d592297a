"""Translated data sets and benchmarks in a plan: which stage writes which language, and what its key is made of."""

from pathlib import Path

import pytest

from polyglot.core.canonical import sha256_file
from polyglot.core.errors import BadInput
from polyglot.plan.build import build_plan
from polyglot.plan.plan import Plan
from polyglot.study.load import load_study
from polyglot.study.lock import Locked, lock_study
from polyglot.study.profile import load_profile
from tests.kit.judge_rows import prompt_file

STUDY = """
study: small
models: {tiny: {built-in: {}}}
datasets:
  back: {translate: {of: made, from: ES, to: [EN], engine: identity}}
  made: {translate: {of: house, from: EN, to: [ES, IT], engine: deepl, glossary: {ES: {mix: mezcla}},
                     price-usd-per-mchar: 25, max-characters: 1000}}
  house: {built-in: instructions}
mixes: [EN, ES]
training: {steps: 10}
benchmark: {built-in: verifiable}
judge: {endpoint: built-in}
"""
QUESTIONS = """
  format: mt-bench
  questions: {EN: {path: q, sha256: SHA}, DE: {path: q, sha256: SHA}}
  references: {EN: {path: q, sha256: SHA}}
  prompts: {EN: {path: q, sha256: SHA}, DE: {path: q, sha256: SHA}, ES: {path: q, sha256: SHA}}
  translate: {from: EN, to: [ES, DE], engine: identity, replace: true}
"""


def locked(folder: Path, text: str) -> Locked:
    sha256 = sha256_file(prompt_file(folder / "q"))  # prompts are read when a study is locked
    (folder / "study.yaml").write_text(text.replace("SHA", sha256), encoding="utf-8")
    return lock_study(load_study(folder / "study.yaml"))


def plan_of(folder: Path, text: str = STUDY) -> Plan:
    return build_plan(locked(folder, text), load_profile("local"))


def inputs(plan: Plan, label: str) -> dict[str, str]:
    stage = plan.find(label).stage
    return {role: plan.by_key[key].label for role, key in stage.inputs.items()}


def test_each_language_is_read_from_the_stage_that_wrote_it(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert inputs(plan, "translate made/ES") == {"rows": "ingest house"}
    assert inputs(plan, "translate back/EN") == {"rows": "translate made/ES"}
    assert inputs(plan, "tokenize tiny/back/EN")["rows"] == "translate back/EN"


def test_equal_rows_of_two_data_sets_are_tokenized_once(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    read = [inputs(plan, each.label)["rows"] for each in plan if each.stage.kind == "tokenize"]
    assert sorted(read) == ["ingest house", "ingest house", "translate back/EN", "translate made/ES"]


def test_the_card_of_a_translated_data_set_is_of_all_its_languages(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert inputs(plan, "ingest made") == {
        "rows:EN": "ingest house",
        "rows:ES": "translate made/ES",
        "rows:IT": "translate made/IT",
    }
    assert inputs(plan, "report")["data:made"] == "ingest made"


def test_prices_and_caps_are_settings_and_what_the_engine_is_told_is_in_the_key(tmp_path: Path) -> None:
    planned = plan_of(tmp_path).find("translate made/ES")
    assert planned.stage.params["glossary"] == {"mix": "mezcla"}
    assert (planned.settings["price_usd_per_mchar"], planned.settings["max_characters"]) == (25, 1000)
    dearer = plan_of(tmp_path, STUDY.replace("mchar: 25", "mchar: 50")).find("translate made/ES")
    assert dearer.key == planned.key
    other = plan_of(tmp_path, STUDY.replace("mezcla", "mixtura"))
    assert other.find("translate made/ES").key != planned.key
    assert other.find("translate made/IT").key == plan_of(tmp_path).find("translate made/IT").key


def test_a_benchmark_has_published_and_translated_languages_in_one_artifact(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, STUDY.replace("{built-in: verifiable}", QUESTIONS))
    assert inputs(plan, "ingest benchmark/questions/all") == {
        "questions:EN": "ingest benchmark/questions",
        "questions:DE": "translate benchmark/questions/DE",
        "questions:ES": "translate benchmark/questions/ES",
    }
    assert inputs(plan, "ingest benchmark/references/all") == {
        "references:EN": "ingest benchmark/references",
        "references:ES": "translate benchmark/references/ES",
        "references:DE": "translate benchmark/references/DE",
    }
    assert inputs(plan, "answer tiny/untuned")["questions"] == "ingest benchmark/questions/all"
    assert plan.find("answer tiny/untuned").stage.params["languages"] == ["EN", "DE", "ES"]


def test_a_language_that_the_benchmark_has_is_not_replaced_unasked(tmp_path: Path) -> None:
    text = STUDY.replace("{built-in: verifiable}", QUESTIONS.replace(", replace: true", ""))
    with pytest.raises(BadInput, match="the benchmark has DE"):
        locked(tmp_path, text)
