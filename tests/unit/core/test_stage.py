"""A stage's key depends on its meaning and on nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyglot.core.stage import PlannedStage, Resources, Stage

TRAIN = Stage(kind="train", version=1, params={"steps": 10, "rate": 1e-3}, inputs={"base": "a" * 64}, seed=0)
OTHERS = {
    "kind": Stage(kind="mix", version=1, params=TRAIN.params, inputs=TRAIN.inputs, seed=0),
    "version": Stage(kind="train", version=2, params=TRAIN.params, inputs=TRAIN.inputs, seed=0),
    "params": Stage(kind="train", version=1, params={"steps": 11, "rate": 1e-3}, inputs=TRAIN.inputs, seed=0),
    "inputs": Stage(kind="train", version=1, params=TRAIN.params, inputs={"base": "b" * 64}, seed=0),
    "role": Stage(kind="train", version=1, params=TRAIN.params, inputs={"model": "a" * 64}, seed=0),
    "seed": Stage(kind="train", version=1, params=TRAIN.params, inputs=TRAIN.inputs, seed=1),
    "no seed": Stage(kind="train", version=1, params=TRAIN.params, inputs=TRAIN.inputs),
}


@pytest.mark.parametrize("part", OTHERS)
def test_every_part_of_a_stage_changes_its_key(part: str) -> None:
    assert OTHERS[part].key != TRAIN.key


def test_the_key_of_a_given_stage_never_changes() -> None:
    assert TRAIN.key == "1b1f9229296291456bbb0493e1242450c7f69d472ae1caaa22240f513d198d87"


def test_the_order_of_params_and_the_spelling_of_numbers_mean_nothing() -> None:
    same = Stage(kind="train", version=1, params={"rate": 0.001, "steps": 10.0}, inputs={"base": "a" * 64}, seed=0)
    assert same.key == TRAIN.key


def test_resources_label_settings_and_mix_are_no_part_of_the_key() -> None:
    one = PlannedStage(stage=TRAIN, label="a")
    other = PlannedStage(
        stage=TRAIN, label="b", resources=Resources(gpus=8, ranks=4), settings={"threads": 9}, mix="EN"
    )
    assert one.key == other.key


@given(st.text(max_size=80), st.sampled_from(["train", "aggregate"]))
def test_a_name_is_a_dns_label_with_room_for_an_attempt(mix: str, kind: str) -> None:
    name = PlannedStage(stage=Stage(kind=kind, version=1, params={}), label="x", mix=mix).name
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert len(name) <= 55


def test_a_stage_survives_being_written_and_read() -> None:
    assert Stage.from_document(TRAIN.document()) == TRAIN
    with pytest.raises(KeyError, match="seed"):
        Stage.from_document({name: value for name, value in TRAIN.document().items() if name != "seed"})


def test_a_stage_that_is_worked_on_has_no_order_of_its_own() -> None:
    one = Stage(kind="noop", version=1, params={"b": {"y": 1.5, "x": [2, 1]}, "a": "ä"})
    other = Stage(kind="noop", version=1, params={"a": "ä", "b": {"x": [2, 1], "y": 1.5}})
    assert one.as_keyed() == other.as_keyed() == one
    assert str(one.as_keyed().params) == str(other.as_keyed().params) != str(one.params)
    assert one.as_keyed().key == one.key
