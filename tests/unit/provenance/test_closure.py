"""What is run again of a result, and what is taken: nobody is asked twice at a price unless that is wanted."""

import pytest

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage, Stage
from polyglot.plan.plan import Plan
from polyglot.provenance.closure import find_result, made_of, split


def planned(kind: str, label: str, *inputs: PlannedStage, after: tuple[str, ...] = (), **params: str) -> PlannedStage:
    named = {f"{one.stage.kind}:{number}": one.key for number, one in enumerate(inputs)}
    stage = Stage(kind=kind, version=1, params={"name": label, **params}, inputs=named)
    return PlannedStage(stage=stage, label=label, after=after)


ROWS = planned("ingest", "data")
CHECK = planned("check", "check", ROWS)
DE = planned("translate", "to German", ROWS, engine="deepl")
TOKENS = planned("tokenize", "tokens", DE)
MODEL = planned("train", "model", TOKENS, after=(CHECK.key,))
QUESTIONS = planned("ingest", "questions")
ANSWERS = planned("answer", "answers", MODEL, QUESTIONS)
VERDICTS = planned("judge", "verdicts", ANSWERS, QUESTIONS, endpoint="openai")
PLAN = Plan("study", (ROWS, CHECK, DE, TOKENS, MODEL, QUESTIONS, ANSWERS, VERDICTS))


def labels(stages: list[PlannedStage]) -> list[str]:
    return [one.label for one in stages]


def test_what_only_looked_made_no_number() -> None:
    assert "check" not in labels(list(made_of(VERDICTS, PLAN)))


def test_paid_replies_are_taken_with_what_was_asked_about_and_all_else_is_run_again() -> None:
    run, taken = split(made_of(VERDICTS, PLAN), ask=False)
    assert labels(taken) == ["data", "to German"]
    assert labels(run) == ["tokens", "model", "questions", "answers"]  # the verdicts are in neither


def test_all_is_run_again_where_that_is_wanted() -> None:
    run, taken = split(made_of(VERDICTS, PLAN), ask=True)
    assert labels(run) == ["data", "to German", "tokens", "model", "questions", "answers", "verdicts"]
    assert not taken


def test_a_judge_that_is_built_in_is_no_price() -> None:
    verdicts = planned("judge", "verdicts", ANSWERS, QUESTIONS, endpoint="built-in")
    run, _ = split(made_of(verdicts, Plan("study", (*PLAN.stages[:-1], verdicts))), ask=False)
    assert labels(run)[-1] == "verdicts"


def test_a_stage_is_found_by_its_label_and_nothing_else_is() -> None:
    assert find_result(PLAN, "model") is MODEL
    with pytest.raises(BadInput, match="no such cell"):
        find_result(PLAN, "elsewhere")
