"""Designs of mixes tell the coefficients that they are made for; what mixes are blends of is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyglot.core.blending import (
    equal_shares,
    find_components,
    is_identified,
    share_sweep,
    shares_of,
    simplex_design,
)
from polyglot.core.languages import ISO_639_1
from polyglot.core.mix import Mix

FIVE = ("EN", "DE", "FR", "IT", "ES")
CODES = st.lists(st.sampled_from(sorted(ISO_639_1)), min_size=2, max_size=7, unique=True)


def test_the_design_has_each_language_alone_each_left_out_all_and_three_with_more_english() -> None:
    assert [mix.canonical for mix in simplex_design(FIVE)] == [
        "EN", "DE", "FR", "IT", "ES",
        "DEFRITES-sampled", "ENFRITES-sampled", "ENDEITES-sampled", "ENDEFRES-sampled", "ENDEFRIT-sampled",
        "ENDEFRITES-sampled",
        "EN:0.4,DE:0.15,FR:0.15,IT:0.15,ES:0.15",
        "EN:0.6,DE:0.1,FR:0.1,IT:0.1,ES:0.1",
        "EN:0.8,DE:0.05,FR:0.05,IT:0.05,ES:0.05",
    ]  # fmt: skip


@given(CODES)
def test_any_design_has_names_that_are_read_back_and_tells_the_common_model(codes: list[str]) -> None:
    for mixes in (simplex_design(codes), share_sweep(codes)):
        assert [Mix.parse(mix.canonical) for mix in mixes] == [*mixes]
        assert len(set(mixes)) == len(mixes)
        shares = [found for mix in mixes if (found := shares_of(mix)) is not None]
        assert len(shares) == len(mixes)
        components = find_components(shares)
        assert components is not None
        assert is_identified([components.terms(components.at(one), "common") for one in shares])
        assert components.has(equal_shares(codes))


def test_five_languages_are_too_many_for_a_curvature_of_each_two() -> None:
    shares = [shares_of(mix) or {} for mix in simplex_design(FIVE)]
    components = find_components(shares)
    assert components is not None
    assert len(components.term_names("quadratic")) == 15
    assert not is_identified([components.terms(components.at(one), "quadratic") for one in shares])


def test_a_sweep_of_one_share_is_of_that_language_and_the_rest() -> None:
    mixes = [Mix.parse(name) for name in ("DEFR-sampled", "EN:0.5,DE:0.25,FR:0.25", "EN:2,DE:1,FR:1", "EN")]
    components = find_components([shares_of(mix) or {} for mix in mixes])
    assert components is not None
    assert components.names == ("EN", "DEFR")
    assert components.at({"EN": 0.5, "DE": 0.25, "FR": 0.25}) == (0.5, 0.5)
    assert components.shares((0.5, 0.5)) == {"EN": 0.5, "DE": 0.25, "FR": 0.25}
    assert not components.has({"EN": 0.5, "DE": 0.5})


def test_mixes_without_shares_of_their_own_are_none() -> None:
    assert shares_of(Mix.parse("ENDE")) is None  # parallel: more rows
    assert shares_of(Mix.parse("ENDE-t2")) is None  # known by the data alone
    assert find_components([{"EN": 1.0}]) is None


def test_terms_are_shares_one_curvature_and_that_of_english() -> None:
    components = find_components([shares_of(mix) or {} for mix in simplex_design(("EN", "DE", "FR"))])
    assert components is not None
    assert components.term_names("common") == ("EN", "DE", "FR", "blending", "EN with others")
    assert components.terms((0.5, 0.25, 0.25), "common") == (0.5, 0.25, 0.25, 0.3125, 0.25)
    assert components.terms((0.5, 0.25, 0.25), "quadratic") == (0.5, 0.25, 0.25, 0.125, 0.125, 0.0625)


@pytest.mark.parametrize(("languages", "points"), [(2, 21), (3, 231), (5, 1001)])
def test_a_lattice_covers_the_simplex_and_no_more_than_was_tried(languages: int, points: int) -> None:
    design = simplex_design(FIVE[:languages])
    components = find_components([shares_of(mix) or {} for mix in design])
    assert components is not None
    whole = [*components.lattice([components.at(shares_of(mix) or {}) for mix in design])]
    assert len(whole) == len(set(whole)) == points
    assert all(sum(at) == pytest.approx(1) for at in whole)
    part = [*components.lattice([at for at in whole if at[0] <= 0.5])]
    assert part == [at for at in whole if at[0] <= 0.5]
