"""Models of one study that are trained in different ways: what they share, and what is checked and told of each."""

from pathlib import Path

import pytest

from polyglot.core.errors import BadInput
from polyglot.kinds.check import CheckParams
from polyglot.kinds.train import TrainParams
from polyglot.plan.build import build_plan
from polyglot.plan.plan import Plan
from polyglot.plan.tables import changed_recipes
from polyglot.study.profile import Profile, load_profile
from tests.kit.small_studies import locked


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("local")


def models(change: str) -> str:
    return f"{{one: {{built-in: {{}}}}, two: {{built-in: {{}}, training: {{{change}}}}}}}"


def planned(folder: Path, profile: Profile, change: str, training: str = "{epochs: 2}") -> Plan:
    return build_plan(locked(folder, models=models(change), training=training, mixes="[EN]"), profile)


def trained(plan: Plan, model: str) -> TrainParams:
    return TrainParams.of(plan.find(f"train {model}/house/EN/s0").stage)


def test_one_base_is_made_once_and_so_are_its_token_sets(tmp_path: Path, profile: Profile) -> None:
    plan = planned(tmp_path, profile, "method: lora")
    kinds = [one.stage.kind for one in plan]
    assert {kind: kinds.count(kind) for kind in ("base", "tokenize", "mix", "train")} == {
        "base": 1, "tokenize": 1, "mix": 1, "train": 2,
    }  # fmt: skip
    assert (trained(plan, "one").method, trained(plan, "two").method) == ("full", "lora")


def test_samples_are_cut_by_the_recipe_of_their_model(tmp_path: Path, profile: Profile) -> None:
    plan = planned(tmp_path, profile, "max-tokens: 512, packing: step")
    lengths = [plan.find(f"tokenize {model}/house/EN").stage.params["max_tokens"] for model in ("one", "two")]
    assert lengths == [2048, 512]
    assert trained(plan, "two").packed_tokens == 512


def test_keys_of_a_study_are_those_of_one_whose_models_say_the_same(tmp_path: Path, profile: Profile) -> None:
    said = planned(tmp_path, profile, "epochs: 1", "{epochs: 2}")
    other = build_plan(locked(tmp_path, training="{epochs: 1}", mixes="[EN]"), profile)
    assert said.find("train two/house/EN/s0").key == other.find("train tiny/house/EN/s0").key


def test_a_shared_mix_is_checked_by_the_length_of_each_training(tmp_path: Path, profile: Profile) -> None:
    check = planned(tmp_path, profile, "warmup-steps: 40").find("check").stage
    params = CheckParams.of(check)
    assert check.inputs["mix:one/house/EN"] == check.inputs["mix:two/house/EN"]
    assert (params.length_of("one").warmup_steps, params.length_of("two").warmup_steps) == (0, 40)


def test_a_check_of_models_that_are_trained_for_one_length_says_nothing_of_it(tmp_path: Path, profile: Profile) -> None:
    check = planned(tmp_path, profile, "method: lora").find("check").stage
    assert CheckParams.of(check).models["two"].training is None


def test_more_ranks_than_a_models_step_has_samples(tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text("resources: {train: {ranks: 3}}\n")
    with pytest.raises(BadInput, match=r"`models\.two\.training\.batch-size`, 2"):
        planned(tmp_path, load_profile(str(path)), "batch-size: 2")


def test_facts_say_once_what_is_alike_and_by_model_what_is_not(tmp_path: Path, profile: Profile) -> None:
    facts = (
        planned(tmp_path, profile, "method: lora, learning-rate: 1e-3, steps: 9").find("report").stage.params["facts"]
    )
    assert isinstance(facts, dict)
    assert facts["batch size"] == "64 samples"
    assert (facts["training length, one"], facts["training length, two"]) == ("2 epochs", "9 steps")
    assert facts["method, two"].startswith("LoRA of rank 16, alpha 32, on all linear")
    assert not {"method", "method, one", "learning rate"} & facts.keys()


def test_what_a_model_has_otherwise_is_one_line(tmp_path: Path) -> None:
    change = "method: lora, lora-modules: [q_proj, v_proj], steps: 9"
    study = locked(tmp_path, models=models(change), training="{epochs: 2}").study
    assert list(changed_recipes(study)) == [
        "models.two: trained with steps 9, epochs none, method lora, lora-rank 16, lora-alpha 32, lora-dropout 0.0, "
        "lora-modules [q_proj, v_proj]"
    ]
