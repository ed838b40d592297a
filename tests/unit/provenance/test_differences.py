"""What differs between two plans, and between two tables of findings."""

import pytest

from polyglot.core.stage import PlannedStage, Stage
from polyglot.kinds.aggregate import Estimate
from polyglot.plan.plan import Plan
from polyglot.provenance.findings import Beside
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
