"""A diagnosis names the cause: a changed parameter before a waiting input, a failure before everything."""

from dataclasses import replace

from polyglot.core.stage import PlannedStage, Stage
from polyglot.plan.diagnose import State, _differences, diagnose
from polyglot.plan.plan import make_plan, restore_plan


def chain(prompt: str = "a" * 64, steps: int = 10) -> list[PlannedStage]:
    train = Stage(kind="train", version=1, params={"steps": steps})
    judge = Stage(kind="judge", version=1, params={"prompts_sha256": {"EN": prompt}}, inputs={"answers": train.key})
    report = Stage(kind="report", version=1, params={}, inputs={"aggregate": judge.key})
    return [PlannedStage(stage=stage, label=stage.kind) for stage in (train, judge, report)]


OLD = make_plan("s", chain())


def test_nothing_known_is_not_computed_yet_and_its_dependants_say_what_they_need() -> None:
    found = diagnose(OLD, committed={}, failures={}, earlier=[])
    assert [(row.state, row.because) for row in found] == [
        (State.WILL_RUN, "not computed yet"),
        (State.WILL_RUN, "needs train"),
        (State.WILL_RUN, "needs judge"),
    ]


def test_a_changed_prompt_is_named_with_both_digests_and_leaves_training_alone() -> None:
    new = make_plan("s", chain(prompt="b" * 64))
    found = diagnose(new, committed={stage.key: 1 for stage in OLD}, failures={}, earlier=OLD.document())
    assert [row.state for row in found] == [State.CACHED, State.WILL_RUN, State.WILL_RUN]
    assert found[1].because == "judge changed: params.prompts_sha256.EN aaaaaaaa… -> bbbbbbbb…"
    assert found[2].because == "report changed: input aggregate changed"


def test_the_nearest_of_several_earlier_plans_is_compared_with() -> None:
    far = make_plan("s", chain(prompt="c" * 64, steps=99))
    new = make_plan("s", chain(steps=11))
    found = diagnose(new, committed={}, failures={}, earlier=[*far.document(), *OLD.document()])
    assert found[0].because in ("train changed: params.steps 10 -> 11", "train changed: params.steps 99 -> 11")
    assert "inputs" not in found[0].because


def test_a_permanent_failure_blocks_its_stage_and_all_that_need_it() -> None:
    train = OLD.stages[0]
    found = diagnose(OLD, committed={}, failures={train.key: "NaN loss at step 3"}, earlier=[])
    assert [row.state for row in found] == [State.BLOCKED] * 3
    assert "NaN loss at step 3" in found[0].because
    assert found[1].because == "needs train, which is blocked"


def test_a_cause_reads_like_the_study_file_and_long_values_are_counted() -> None:
    before = {"a": None, "b": ["EN", "DE"], "c": [{"name": "x"}] * 9, "d": {}, "e": True, "f": ""}
    after = {"a": 5, "b": ["EN"], "c": [{"name": "y"}] * 8, "d": None, "e": False, "f": "x"}
    shown = [text for _, text in _differences(before, after)]
    assert shown == [
        "a nothing -> 5",
        "b [EN, DE] -> [EN]",
        "c a list of 9 -> a list of 8",
        "d 0 keys -> nothing",
        "e true -> false",
        "f '' -> x",
    ]


def test_a_withdrawn_result_is_the_cause_that_is_named() -> None:
    train = OLD.stages[0]
    found = diagnose(OLD, committed={}, failures={}, earlier=OLD.document(), withdrawn={train.key: "withdrawn by sam"})
    assert [row.because for row in found] == ["withdrawn by sam", "needs train", "needs judge"]


def test_a_commit_wins_over_an_older_failure() -> None:
    train = OLD.stages[0]
    found = diagnose(OLD, committed={train.key: 1}, failures={train.key: "x"}, earlier=[])
    assert found[0].state is State.CACHED


def test_a_check_is_waited_for_and_is_not_needed_when_nothing_waits() -> None:
    check = PlannedStage(stage=Stage(kind="check", version=1, params={}), label="check")
    train = replace(OLD.stages[0], after=(check.key,))
    plan = make_plan("s", [train, check])
    assert restore_plan("s", plan.document()).find("train").after == (check.key,)

    def states(*done: PlannedStage, failures: dict[str, str]) -> list[tuple[State, str]]:
        found = diagnose(plan, committed={one.key: 1 for one in done}, failures=failures, earlier=[])
        return [(row.state, row.because) for row in found]

    assert states(failures={}) == [(State.WILL_RUN, "not computed yet"), (State.WILL_RUN, "needs check")]
    assert states(train, failures={}) == [
        (State.UNNEEDED, "all that would come after it is committed"),
        (State.CACHED, "committed"),
    ]
    assert states(failures={check.key: "bad"}) == [
        (State.WILL_RUN, "it is looked at anew; it failed: bad"),
        (State.WILL_RUN, "needs check"),
    ]
