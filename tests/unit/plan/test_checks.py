"""What a plan is checked by: one check of the study, a probe of each endpoint, and who comes after them."""

from dataclasses import replace
from pathlib import Path

import pytest

from polyglot.core.errors import BadInput
from polyglot.plan.build import build_plan
from polyglot.plan.plan import Plan, checks, unneeded
from polyglot.study.profile import Profile, load_profile
from tests.kit.small_studies import locked

PAID = "{endpoint: openai, model: j, max-tokens: 100, price-usd-per-mtok-prompt: 10, price-usd-per-mtok-completion: 30}"
ENGINE = "{of: house, from: EN, to: [DE, FR], engine: openai, model: t}"
TRANSLATED = f"{{house: {{built-in: instructions}}, made: {{translate: {ENGINE}}}}}"


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("local")


def after(plan: Plan) -> dict[str, set[str]]:
    """The labels that a stage comes after, by its own."""
    return {one.label: {plan.by_key[key].label for key in one.after} for one in plan if one.after}


def test_trainings_and_answers_come_after_the_check_and_a_built_in_judge_does_not(
    tmp_path: Path, profile: Profile
) -> None:
    plan = build_plan(locked(tmp_path, mixes="[EN]"), profile)
    assert after(plan) == {
        label: {"check"} for label in ("answer tiny/untuned", "train tiny/house/EN/s0", "answer tiny/house/EN/s0")
    }
    assert plan.stages[-1].label == "report"


def test_what_is_paid_for_comes_after_every_probe_and_what_the_check_reads_not_after_it(
    tmp_path: Path, profile: Profile
) -> None:
    plan = build_plan(locked(tmp_path, mixes="[DE]", datasets=TRANSLATED, judge=PAID), profile)
    found = after(plan)
    assert found["translate made/DE"] == {"probe judge", "probe translate"}
    assert found["judge tiny/made/DE/s0"] == {"probe judge", "probe translate", "check"}
    assert found["train tiny/made/DE/s0"] == {"probe judge", "probe translate", "check"}
    assert [one.label for one in checks(plan)] == ["probe translate", "probe judge", "check"]


def test_a_probe_says_what_it_may_cost_at_most(tmp_path: Path, profile: Profile) -> None:
    probe = build_plan(locked(tmp_path, judge=PAID), profile).find("probe judge")
    assert probe.settings["max_usd"] == pytest.approx(3 * (400 * 10 + 100 * 30) / 1e6)


def test_data_alone_need_no_check_and_a_paid_translation_its_probe(tmp_path: Path, profile: Profile) -> None:
    alone = build_plan(locked(tmp_path, judge=PAID), profile, data_only=True)
    assert checks(alone) == []
    plan = build_plan(locked(tmp_path, mixes="[DE]", datasets=TRANSLATED), profile, data_only=True)
    assert [one.label for one in checks(plan)] == ["probe translate"]


def test_a_check_is_needed_until_all_that_comes_after_it_is_done(tmp_path: Path, profile: Profile) -> None:
    plan = build_plan(locked(tmp_path, mixes="[EN]"), profile)
    costly = {one.key for one in plan if one.after}
    check = plan.find("check").key
    assert unneeded(plan, costly) == {check}
    assert unneeded(plan, costly - {next(iter(costly))}) == set()
    assert unneeded(plan, costly | {check}) == set()


@pytest.mark.parametrize(
    ("resources", "processes", "got"),
    [
        ({"ranks": 8}, 1, "8: 8 ranks of 1 processes"),
        ({"ranks": 2, "gpus": 4}, 1, "8: 2 ranks of 4 GPUs"),
        ({}, 8, "8: 1 ranks of 8 processes"),
    ],
)
def test_more_processes_than_samples_are_refused(
    tmp_path: Path, profile: Profile, resources: dict[str, int], processes: int, got: str
) -> None:
    changed = replace(
        profile,
        resources={**profile.resources, "train": replace(profile.resources["train"], **resources)},
        settings={**profile.settings, "train": {"processes": processes}},
    )
    study = locked(tmp_path, training="{steps: 10, batch-size: 4}")
    with pytest.raises(
        BadInput, match=rf"^resources.train of the profile: more processes than a step has samples; got {got}"
    ):
        build_plan(study, changed)
    assert build_plan(locked(tmp_path, training="{steps: 10, batch-size: 8}"), changed)
