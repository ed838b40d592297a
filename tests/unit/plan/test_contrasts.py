"""The comparisons that mixes allow are found by rule, for any languages."""

import pytest

from polyglot.core.mix import Mix
from polyglot.kinds.cells import ArmKey
from polyglot.plan.contrasts import find_contrasts

FIVE = ("EN", "DE", "FR", "IT", "ES")


def families(*mixes: str, on: tuple[str, ...] = FIVE) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in find_contrasts("m", "d", [Mix.parse(mix) for mix in mixes], on):
        found.setdefault(row.family, []).append(row.name)
    return found


def test_the_papers_nine_mixes_give_the_papers_comparisons() -> None:
    found = families(*FIVE, "ENDEFRITES", "DEFRITES", "ENDEFRITES-sampled", "DEFRITES-sampled")
    assert {family: len(names) for family, names in found.items()} == {
        "parallel - mono mean": 2,
        "parallel - mono best": 2,
        "parallel - mono worst": 2,
        "sampled - mono mean": 2,
        "parallel - sampled": 2,
        "left out": 2,
        "whole - part": 2,
    }


def test_a_mix_is_compared_only_with_the_monolingual_mixes_of_its_own_languages() -> None:
    rows = find_contrasts("m", "d", [Mix.parse(mix) for mix in ("EN", "DE", "FR", "DEFR")], FIVE)
    assert {row.control for row in rows} == {(ArmKey("m", "d", "DE"), ArmKey("m", "d", "FR"))}


def test_one_missing_monolingual_mix_leaves_the_comparison_out_instead_of_bending_it() -> None:
    assert families("EN", "ENDE") == {}


def test_the_left_out_language_is_the_only_one_that_is_compared_on() -> None:
    rows = find_contrasts("m", "d", [Mix.parse(mix) for mix in ("DE", "FR", "IT", "ES", "DEFRITES")], FIVE)
    assert [row.on for row in rows if row.family == "left out"] == [("EN",)]


@pytest.mark.parametrize("on", [("EN",), ("DE", "EN"), ("PL",), FIVE, (*FIVE, "PL")])
def test_nothing_is_compared_in_a_language_that_the_benchmark_lacks(on: tuple[str, ...]) -> None:
    names = (*FIVE, "ENDEFRITES", "DEFRITES", "ENDEFRITES-sampled", "DEFRITES-sampled")
    mixes = [Mix.parse(f"{name}{size}") for name in names for size in ("@100", "")]
    rows = find_contrasts("m", "d", mixes, on)
    assert rows
    assert all(row.on and set(row.on) <= set(on) for row in rows)


def test_sizes_are_compared_in_steps_with_all_ids_as_the_largest() -> None:
    assert families("ENDE", "ENDE@100", "ENDE@16") == {"size": ["ENDE@100 - ENDE@16", "ENDE - ENDE@100"]}


def test_a_whole_and_its_part_are_compared_on_the_languages_of_both() -> None:
    rows = find_contrasts("m", "d", [Mix.parse("ENDEFR"), Mix.parse("DEFR")], FIVE)
    assert [(row.family, row.on) for row in rows] == [("whole - part", ("DE", "FR"))]
