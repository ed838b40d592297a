"""A plan is ordered, checked, and found again by any of a stage's names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage, Stage
from polyglot.plan.plan import make_plan, restore_plan


def planned(label: str, *inputs: PlannedStage, kind: str = "noop", mix: str = "", **params: int) -> PlannedStage:
    stage = Stage(
        kind=kind,
        version=1,
        params={"label": label, **params},
        inputs={f"in:{number}": source.key for number, source in enumerate(inputs)},
    )
    return PlannedStage(stage=stage, label=label, mix=mix)


@st.composite
def graphs(draw: st.DrawFn) -> list[PlannedStage]:
    stages: list[PlannedStage] = []
    for number in range(draw(st.integers(1, 12))):
        sources = draw(st.lists(st.sampled_from(stages), max_size=3, unique_by=lambda s: s.key)) if stages else []
        stages.append(planned(f"stage {number}", *sources))
    return draw(st.permutations(stages))


class TestOrder:
    @given(graphs())
    def test_every_stage_comes_after_all_that_it_reads(self, stages: list[PlannedStage]) -> None:
        plan = make_plan("s", stages)
        place = {stage.key: number for number, stage in enumerate(plan)}
        assert len(place) == len(stages)
        assert all(place[key] < place[stage.key] for stage in plan for key in stage.stage.inputs.values())

    def test_a_chain_longer_than_the_stack_is_ordered(self) -> None:
        stages = [planned("0")]
        for number in range(1, 3000):
            stages.append(planned(str(number), stages[-1]))
        assert [stage.label for stage in make_plan("s", stages[::-1])] == [str(number) for number in range(3000)]

    def test_an_input_that_no_stage_makes_is_refused_by_name(self) -> None:
        with pytest.raises(BadInput, match="an input that no stage makes"):
            make_plan("s", [planned("b", planned("a"))])

    def test_two_different_stages_under_one_label_are_refused(self) -> None:
        with pytest.raises(BadInput, match="two stages have one label"):
            make_plan("s", [planned("a", x=1), planned("a", x=2)])

    def test_equal_stages_are_one(self) -> None:
        assert len(make_plan("s", [planned("a"), planned("a")])) == 1

    @given(graphs())
    def test_a_plan_survives_being_written_and_read(self, stages: list[PlannedStage]) -> None:
        plan = make_plan("s", stages)
        assert [(s.key, s.label) for s in restore_plan("s", plan.document())] == [(s.key, s.label) for s in plan]


class TestNames:
    def test_names_that_would_be_equal_when_cut_end_in_different_digests(self) -> None:
        long = "EN:0.5,DE:0.25,FR:0.125,IT:0.0625,ES:0.0625-sampled@100000000000000000000000"
        first, second = planned("a", kind="train", mix=long + "1"), planned("b", kind="train", mix=long + "2")
        assert first.name != second.name
        assert len(first.name) + len("-r100") <= 63

    @pytest.mark.parametrize("mix", ["", "DEFRITES-sampled@100", "EN:0.5,DE:0.5", "---", "ß‮İ"])
    def test_a_name_is_a_dns_label_whatever_the_mix_is(self, mix: str) -> None:
        name = planned("a", kind="train", mix=mix).name
        assert name.isascii()
        assert name == name.lower()
        assert name.replace("-", "").isalnum()


class TestFind:
    def test_label_name_key_and_key_prefix_all_find_the_stage(self) -> None:
        stage = planned("train tiny DEFRITES s0", kind="train", mix="DEFRITES")
        plan = make_plan("s", [stage, planned("other")])
        for text in (stage.label, stage.name, stage.key, stage.key[:8], "defrites"):
            assert plan.find(text) is stage

    def test_a_label_that_stages_of_several_studies_share_is_refused_until_it_is_told_apart(self) -> None:
        first, second, alone = planned("train a", x=1), planned("train a", x=2), planned("train ab")
        rows = [row for stage in (first, second, alone, first) for row in make_plan("s", [stage]).document()]
        plan = restore_plan("all", rows)
        with pytest.raises(BadInput, match="2 stages fit") as told:
            plan.find("train a")
        for stage in (first, second):
            shown = f"train a ({stage.key[:8]})"
            assert shown in str(told.value)
            assert plan.find(shown).key == plan.find(stage.name).key == plan.find(stage.key[:8]).key == stage.key
        assert plan.find("train ab").key == alone.key

    def test_what_fits_two_stages_is_refused_with_both_names(self) -> None:
        plan = make_plan("s", [planned("train a"), planned("train b")])
        with pytest.raises(BadInput, match=r"2 stages fit.*'train a', 'train b'"):
            plan.find("train")
