"""Rows for validation in the plan: the same languages for every mix, those outside of it included."""

from pathlib import Path
from typing import Any

import pytest

from polyglot.core.errors import BadInput
from polyglot.plan.build import build_plan
from polyglot.plan.plan import Plan
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from polyglot.study.profile import load_profile

STUDY = """
study: small
models: {tiny: {built-in: {}}}
datasets: {house: {built-in: instructions, validation: 20}}
mixes: [EN, DEFR, DEFR-sampled@30]
training: {steps: 10}
benchmark: {built-in: verifiable}
judge: {endpoint: built-in}
"""
LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
EVERY = {f"validation:{language}": f"tokenize tiny/house/{language}/validation" for language in LANGUAGES}


def plan_of(folder: Path, text: str = STUDY, mix: str | None = None) -> Plan:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return build_plan(lock_study(load_study(path)), load_profile("local"), mix=mix)


def held_back(plan: Plan, label: str) -> dict[str, str]:
    stage = plan.find(label).stage
    return {role: plan.by_key[key].label for role, key in stage.inputs.items() if role.startswith("validation:")}


@pytest.mark.parametrize("mix", ["EN", "DEFR", "DEFR-sampled@30"])
def test_every_mix_is_validated_on_all_languages_of_the_benchmark(tmp_path: Path, mix: str) -> None:
    assert held_back(plan_of(tmp_path), f"train tiny/house/{mix}/s0") == EVERY
    assert held_back(plan_of(tmp_path, mix=mix), f"train tiny/house/{mix}/s0") == EVERY


def test_its_tokens_are_those_of_the_part_and_no_mix_reads_them(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    parts = {planned.label: planned.stage.params["part"] for planned in plan if planned.stage.kind == "tokenize"}
    assert parts == {
        **{label: "validation" for label in EVERY.values()},
        **{f"tokenize tiny/house/{language}": "rows" for language in ("EN", "DE", "FR")},
    }
    for planned in plan:
        if planned.stage.kind == "mix":
            assert not [role for role in planned.stage.inputs if role.startswith("validation")]


def test_a_study_without_such_rows_has_none_of_it(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, STUDY.replace(", validation: 20", ""))
    assert sum(planned.stage.kind == "tokenize" for planned in plan) == 3
    assert held_back(plan, "train tiny/house/EN/s0") == {}


def test_a_translation_is_validated_on_the_translated_part(tmp_path: Path) -> None:
    text = STUDY.replace(
        "validation: 20}", "validation: 20}, made: {translate: {of: house, from: EN, to: [ES], engine: identity}}"
    )
    plan = plan_of(tmp_path, text.replace("[EN, DEFR, DEFR-sampled@30]", "[EN, ES]"))
    assert held_back(plan, "train tiny/made/EN/s0") == {
        "validation:EN": "tokenize tiny/house/EN/validation",  # one stage, whichever data set reads it
        "validation:ES": "tokenize tiny/made/ES/validation",
    }


def params(plan: Plan) -> Any:
    return plan.find("train tiny/house/EN/s0").stage.params


def test_packing_and_how_often_to_validate_are_the_trainings(tmp_path: Path) -> None:
    plain = params(plan_of(tmp_path))
    assert (plain["packing"], plain["packed_tokens"], plain["validate_every"]) == ("none", None, None)
    text = STUDY.replace("{steps: 10}", "{steps: 10, packing: step, max-tokens: 300, validate-every: 5}")
    packed = plan_of(tmp_path, text)
    assert (params(packed)["packing"], params(packed)["packed_tokens"], params(packed)["validate_every"]) == (
        "step",
        300,
        5,
    )
    assert packed.stages[-1].stage.params["facts"]["packing"] == "within a step, to 300 tokens"


@pytest.mark.parametrize("line", ["packing: batch", "validate-every: 0"])
def test_what_means_nothing_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(BadInput):
        plan_of(tmp_path, STUDY.replace("{steps: 10}", f"{{steps: 10, {line}}}"))
