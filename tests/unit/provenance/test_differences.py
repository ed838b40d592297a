"""What differs between two plans, and between two tables of findings."""

import pytest

from polyglot.core.stage import PlannedStage, Stage
from polyglot.kinds.aggregate import ArmScore, ContrastResult, Estimate
from polyglot.kinds.cells import BASELINE, Family
from polyglot.kinds.metrics import SCORE
from polyglot.plan.plan import Plan
from polyglot.provenance.findings import Beside, contrasts_beside, means_beside
from polyglot.provenance.inputs import Change, changed_stages


def planned(label: str, *inputs: PlannedStage, **params: object) -> PlannedStage:
    read = {f"in:{number}": one.key for number, one in enumerate(inputs)}
    return PlannedStage(stage=Stage(kind="mix", version=1, params=params, inputs=read), label=label)  # type: ignore[arg-type]


def chain(**params: object) -> Plan:
    data = planned("data", files=["a", "b"])
    model = planned("model", data, training={"steps": 4, "rate": 0.1}, **params)
    return Plan("study", (data, model, planned("answers", model)))


def test_the_stage_that_is_asked_otherwise_is_told_from_those_that_follow() -> None:
    found = changed_stages(chain(), chain(seed_of="x"))
    assert [(row.label, row.change) for row in found] == [("model", Change.CHANGED), ("answers", Change.FOLLOWS)]
    assert found[0].values == (("seed_of", "none", "x"),)


def test_a_value_deep_inside_is_named_by_its_place() -> None:
    then, now = planned("a", t={"steps": 4, "rate": 0.1}), planned("a", t={"steps": 5, "rate": 0.1})
    (row,) = changed_stages(Plan("s", (then,)), Plan("s", (now,)))
    assert row.values == (("t.steps", "4", "5"),)


def test_another_input_under_the_same_role_is_a_change_of_the_stage() -> None:
    data, other = planned("data", n=1), planned("other data", n=2)
    then, now = planned("model", data), planned("model", other)
    found = changed_stages(Plan("s", (data, then)), Plan("s", (other, now)))
    assert ("model", Change.CHANGED, (("inputs.in:0", "data", "other data"),)) in [
        (row.label, row.change, row.values) for row in found
    ]
    assert {row.label: row.change for row in found} == {
        "other data": Change.ADDED,
        "model": Change.CHANGED,
        "data": Change.REMOVED,
    }


def test_a_night_has_the_stages_of_its_submission() -> None:
    plain, night = planned("answers", n=1), planned("answers @2026-01-31", n=1, night="2026-01-31")
    (row,) = changed_stages(Plan("s", (plain,)), Plan("s", (night,)))
    assert row.values == (("night", "none", "2026-01-31"),)


@pytest.mark.parametrize(
    ("then", "now", "apart", "turned"),
    [
        (Estimate(5.0, 4.0, 6.0), Estimate(7.0, 6.5, 7.5), True, False),
        (Estimate(5.0, 4.0, 6.0), Estimate(7.0, 5.5, 7.5), False, False),
        (Estimate(0.2, -0.1, 0.5), Estimate(0.4, 0.1, 0.7), False, True),
        (Estimate(None, None, None), Estimate(7.0, 6.5, 7.5), False, False),
        (None, Estimate(7.0, 6.5, 7.5), False, False),
    ],
)
def test_numbers_are_apart_where_their_intervals_have_nothing_in_common(
    then: Estimate | None, now: Estimate, apart: bool, turned: bool
) -> None:
    row = Beside(name="x", then=then, now=now)
    assert (row.apart, row.turned) == (apart, turned)


def mean(dataset: str | None, arm: str, value: float, model: str = "tiny") -> ArmScore:
    return ArmScore(
        arm=arm, model=model, dataset=dataset, language="all", languages=("EN",), seeds=1, seed_ids=(0,),
        mean=value, low=value - 1, high=value + 1, per_seed=(value,), scope="mix",
        exact_share=None, exact_low=None, exact_high=None, exact_per_seed=(None,),
    )  # fmt: skip


def compared(dataset: str | None, name: str, value: float, model: str | None = "tiny") -> ContrastResult:
    return ContrastResult(
        name=name, family=Family.CUSTOM, model=model, dataset=dataset, treatment=(), control=(), on=("EN",),
        selected=None, seeds=1, seed_ids=(0,), difference=value, low=value - 1, high=value + 1, per_seed=(value,),
        scope="mix", exact_selected=None, exact_difference=None, exact_low=None, exact_high=None,
        exact_per_seed=(None,), same_arm_pairs=(),
    )  # fmt: skip


def numbers(rows: list[Beside]) -> dict[str, tuple[float | None, float | None]]:
    found = {row.name: (row.then and row.then.value, row.now and row.now.value) for row in rows}
    assert len(found) == len(rows)
    return found


class TestRows:
    def test_a_second_data_set_leaves_the_rows_of_the_first_beside_each_other(self) -> None:
        base, then = mean(None, "untuned", 2), [mean("a", "EN", 5)]
        now = [base, mean("a", "EN", 6), mean("b", "EN", 7)]
        assert numbers(means_beside([base, *then], now, SCORE)) == {
            "tiny/untuned": (2, 2),
            "tiny/a/EN": (5, 6),
            "tiny/b/EN": (None, 7),
        }
        one, two = [compared("a", "EN - DE", 1)], [compared("a", "EN - DE", 2), compared("b", "EN - DE", 3)]
        assert numbers(contrasts_beside(one, two, SCORE)) == {
            "tiny/a: EN - DE": (1, 2),
            "tiny/b: EN - DE": (None, 3),
        }
        assert numbers(contrasts_beside(two, one, SCORE)) == {
            "tiny/a: EN - DE": (2, 1),
            "tiny/b: EN - DE": (3, None),
        }

    def test_a_contrast_across_data_sets_is_no_data_set(self) -> None:
        both = [compared("a", "EN - DE", 1), compared(None, "a - b", 4)]
        assert numbers(contrasts_beside(both[:1], both, SCORE)) == {"EN - DE": (1, 1), "a - b": (None, 4)}

    def test_one_model_is_beside_another_that_is_the_only_one(self) -> None:
        then = [mean(None, "untuned", 1), mean("a", "EN", 5)]
        now = [mean(None, "untuned", 2, "large"), mean("a", "EN", 6, "large"), mean(None, BASELINE + "gpt", 9, "gpt")]
        assert numbers(means_beside(then, now, SCORE)) == {
            "untuned": (1, 2),
            "EN": (5, 6),
            BASELINE + "gpt": (None, 9),
        }

    def test_untuned_models_are_told_apart(self) -> None:
        both = [mean(None, "untuned", 1), mean(None, "untuned", 2, "large")]
        assert numbers(means_beside(both[:1], both, SCORE)) == {"tiny/untuned": (1, 1), "large/untuned": (None, 2)}
