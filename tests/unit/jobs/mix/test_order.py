"""The arithmetic of docs/mixes.md: order, nesting, shares."""

import random
from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.lib.rows.order import assignment, natural, ordered, rank, shares
from jobs.mix.selection import Selection, select
from polyglot.core.errors import Permanent

LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
IDS = st.sets(st.text(min_size=1, max_size=6), min_size=1, max_size=40)
WEIGHTS = st.lists(st.integers(1, 1000), min_size=1, max_size=6).map(
    lambda parts: [round(part / sum(parts), 6) or 1e-6 for part in parts]
)


@given(IDS, st.integers(0, 9), st.randoms())
def test_the_order_depends_on_the_set_of_ids_and_the_draw_alone(
    ids: set[str], draw: int, shuffle: random.Random
) -> None:
    listed = sorted(ids)
    shuffle.shuffle(listed)
    assert ordered(draw, listed) == ordered(draw, ids)


def test_the_order_is_that_of_the_stated_hash() -> None:
    # SHA-256 of "0\0a", "0\0b", "0\0c", computed with sha256sum
    assert rank(0, "a").hex().startswith("5f1aa0c8")
    assert ordered(0, ["a", "b", "c"]) == sorted("abc", key=lambda name: rank(0, name))
    assert ordered(0, "abcdefgh") != ordered(1, "abcdefgh")
    assert rank(0, "caf\u00e9") == rank(0, "cafe\u0301")


@given(st.integers(1, 8), st.integers(0, 200))
def test_equal_shares_are_dealt_in_turn(count: int, number: int) -> None:
    dealt = list(islice(assignment(shares([], count)), number))
    assert dealt == [index % count for index in range(number)]


@given(WEIGHTS, st.integers(1, 300))
def test_every_prefix_holds_its_shares_within_one_row(weights: list[float], number: int) -> None:
    exact = shares(weights, len(weights))
    counts = [0] * len(weights)
    for ids, index in enumerate(islice(assignment(exact), number), 1):
        counts[index] += 1
        assert all(abs(have - ids * share) < 1 for have, share in zip(counts, exact, strict=True))


def test_the_example_of_the_page() -> None:
    dealt = [("EN", "DE", "FR")[index] for index in islice(assignment(shares([0.5, 0.25, 0.25], 3)), 8)]
    assert dealt == ["EN", "DE", "FR", "EN", "EN", "DE", "FR", "EN"]


def test_weights_count_as_the_decimal_numbers_that_they_print_as() -> None:
    assert shares([0.1, 0.2, 0.7], 3) == [Fraction(1, 10), Fraction(1, 5), Fraction(7, 10)]
    assert shares([1 / 3] * 3, 3) == [Fraction(1, 3)] * 3


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [1.0, -1.0], [1.0, 1.0, 1.0]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="expected a positive one for each"):
        shares(weights, 2)


def choose(ids: dict[str, set[str]], sampled: bool = False, size: int | None = None, draw: int = 0) -> Selection:
    return select(
        mix="M",
        languages=tuple(ids),
        tokenized=ids,
        dropped={language: {} for language in ids},
        sampled=sampled,
        weights=(),
        size=size,
        draw=draw,
    )


PARTIAL = st.dictionaries(st.sampled_from(LANGUAGES), IDS, min_size=1).filter(
    lambda ids: bool(set.intersection(*ids.values()))
)


@given(PARTIAL, st.booleans(), st.integers(0, 3), st.data())
def test_a_smaller_size_is_a_prefix_of_a_larger_one(
    ids: dict[str, set[str]], sampled: bool, draw: int, data: st.DataObject
) -> None:
    whole = choose(ids, sampled, None, draw)
    small = data.draw(st.integers(1, whole.available))
    large = data.draw(st.integers(small, whole.available))
    first, second = (choose(ids, sampled, size, draw) for size in (small, large))
    assert second.pairs[: len(first.pairs)] == first.pairs
    assert whole.pairs[: len(second.pairs)] == second.pairs
    assert (first.ids, len(first.pairs)) == (small, small if sampled else small * len(ids))


@given(PARTIAL, st.integers(0, 3))
def test_a_sampled_mix_is_a_partition_of_the_parallel_mixs_ids(ids: dict[str, set[str]], draw: int) -> None:
    parallel, sampled = choose(ids, False, None, draw), choose(ids, True, None, draw)
    assert [name for name, _ in sampled.pairs] == list(dict.fromkeys(name for name, _ in parallel.pairs))
    assert set(sampled.pairs) <= set(parallel.pairs)
    assert len({name for name, _ in sampled.pairs}) == len(sampled.pairs)
    held = [sum(language == spoken for _, spoken in sampled.pairs) for language in ids]
    assert max(held) - min(held) <= 1


@given(PARTIAL)
def test_every_id_is_in_the_mix_or_listed_with_a_reason(ids: dict[str, set[str]]) -> None:
    found = choose(ids)
    left_out = set().union(*found.left_out.values()) if found.left_out else set()
    chosen = {name for name, _ in found.pairs}
    assert chosen | left_out == set().union(*ids.values())
    assert not chosen & left_out


def test_an_id_without_tokens_leaves_the_parallel_mix_in_every_language() -> None:
    tokenized = {"EN": {"a", "b", "c"}, "DE": {"a"}}
    found = select(
        mix="ENDE",
        languages=("EN", "DE"),
        tokenized=tokenized,
        dropped={"EN": {}, "DE": {"b": "over-long"}},
        sampled=False,
        weights=(0.5, 0.5),
        size=None,
        draw=0,
    )
    assert found.pairs == [("a", "EN"), ("a", "DE")]
    assert found.left_out == {"no-row:DE": ["c"], "over-long:DE": ["b"]}


def test_a_size_beyond_the_ids_is_refused_with_both_numbers() -> None:
    with pytest.raises(Permanent) as error:
        choose({"EN": {"a", "b"}}, size=3)
    assert str(error.value) == (
        "mix M@3: got 2 ids that each of EN has; expected at least 3. "
        "Choose a size up to 2, or leave it out to use them all"
    )


def test_a_refused_size_says_why_ids_are_left_out() -> None:
    with pytest.raises(Permanent) as error:
        select(
            mix="ENDE",
            languages=("EN", "DE"),
            tokenized={"EN": {"a", "b", "c", "d"}, "DE": {"a", "d"}},
            dropped={"EN": {}, "DE": {"b": "over-long"}},
            sampled=False,
            weights=(),
            size=3,
            draw=0,
            contaminated={"d"},
        )
    assert "expected at least 3; left out: no-row:DE 1, over-long:DE 1, contaminated 1. Choose" in str(error.value)


def test_languages_without_a_common_id_are_refused() -> None:
    with pytest.raises(Permanent, match="mix M: no id has a tokenized row in each of EN DE"):
        choose({"EN": {"a"}, "DE": {"b"}})


def test_a_weighted_parallel_mix_is_refused() -> None:
    ids = {"EN": {"a"}, "DE": {"a"}}
    with pytest.raises(Permanent, match="a parallel mix has every id in every language, so it cannot be weighted"):
        select(
            mix="M",
            languages=("EN", "DE"),
            tokenized=ids,
            dropped={"EN": {}, "DE": {}},
            sampled=False,
            weights=(0.75, 0.25),
            size=None,
            draw=0,
        )


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=6), st.sampled_from([0.5, 1.0, 2.5, 5.0, 100.0]))
def test_a_temperature_evens_natural_shares_out_and_keeps_their_order(rows: list[int], temperature: float) -> None:
    rows = [max(count, max(rows) // 100) for count in rows]  # at 0.5 shares are squares: a millionth is left
    natural_shares, shares_now = natural(rows, 1.0), natural(rows, temperature)
    assert sum(round(share * 10**6) for share in shares_now) == 10**6
    assert [rows[at] for at in sorted(range(len(rows)), key=lambda at: (shares_now[at], rows[at]))] == sorted(rows)
    spread = max(natural_shares) - min(natural_shares), max(shares_now) - min(shares_now)
    assert spread[1] <= spread[0] + 2e-6 or temperature < 1


def test_a_temperature_that_leaves_a_language_without_a_share_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got \[10, 0\] rows at temperature 2; expected a millionth"):
        natural([10, 0], 2.0)
