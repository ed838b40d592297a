"""Verdicts in both orders: the rule of ties, and judges that go by the order."""

import numpy as np
import pytest

from jobs.lib.stats.pairwise import Orders, order_bias, points, win_rates

QUESTIONS = [str(row // 10) for row in range(800)]


def both(ab: str | None, ba: str | None) -> Orders:
    return Orders.of_slots(QUESTIONS, [ab] * 800, [ba] * 800)


class TestRuleOfTies:
    @pytest.mark.parametrize(
        ("ab", "ba", "gives", "inconsistent"),
        [
            ("A", "B", 1.0, False),
            ("B", "A", 0.0, False),
            ("A", "A", 0.5, True),
            ("B", "B", 0.5, True),
            ("A", "tie", 0.5, True),
            ("both-bad", "B", 0.5, True),
            ("tie", "tie", 0.5, False),
            ("tie", "both-bad", 0.5, False),
            ("both-bad", "both-bad", 0.5, False),
        ],
    )
    def test_of_two_verdicts(self, ab: str, ba: str, gives: float, inconsistent: bool) -> None:
        orders = Orders.of_slots(["1"], [ab], [ba])
        assert points(orders).tolist() == [gives]
        found = win_rates(orders)
        assert (found.inconsistent.hits, found.unscored) == (float(inconsistent), 0)
        assert (found.a.hits, found.b.hits, found.ties.hits) == (gives == 1, gives == 0, gives == 0.5)

    @pytest.mark.parametrize(("ab", "ba"), [("A", None), (None, "tie"), (None, None)])
    def test_a_failed_order_is_unscored_and_never_a_tie(self, ab: str | None, ba: str | None) -> None:
        orders = Orders.of_slots(["1", "2"], ["A", ab], ["B", ba])
        found, bias = win_rates(orders), order_bias(orders)
        assert np.isnan(points(orders)[1])
        assert (found.unscored, found.ties.hits, found.rate.of, found.rate.hits) == (1, 0, 1, 1)
        assert (bias.inconsistent.of, bias.items, bias.items_with_both) == (1, 2, 1)
        assert bias.verdicts_failed == [ab, ba].count(None)

    def test_both_bad_is_a_tie_that_is_told_apart(self) -> None:
        found = win_rates(both("both-bad", "both-bad"))
        assert (found.ties.interval.mean, found.both_bad.interval.mean) == (1.0, 1.0)
        assert order_bias(both("both-bad", "tie")).both_bad.interval.mean == 0.5


class TestDegenerateJudges:
    def test_one_that_always_says_a(self) -> None:
        bias, wins = order_bias(both("A", "A")), win_rates(both("A", "A"))
        for one in (bias.inconsistent, bias.first, wins.ties, wins.inconsistent):
            assert (one.interval.mean, one.interval.high) == (1.0, 1.0)
            assert one.interval.low == pytest.approx(0.953, abs=1e-3)
        for none in (bias.ties, bias.both_bad, wins.a, wins.b):
            assert (none.interval.mean, none.interval.low) == (0.0, 0.0)
            assert none.interval.high == pytest.approx(0.047, abs=1e-3)
        assert wins.rate.interval.low < wins.rate.interval.mean == 0.5 < wins.rate.interval.high

    def test_one_that_only_says_tie_has_no_share_of_first_slots(self) -> None:
        bias = order_bias(both("tie", "tie"))
        assert bias.first.of == 0
        assert np.isnan(bias.first.interval.mean)

    def test_one_that_always_fails(self) -> None:
        bias = order_bias(both(None, None))
        assert bias.verdicts == bias.inconsistent.of == 0
        assert bias.verdicts_failed == 1600


class TestBadInput:
    def test_a_word_that_is_no_verdict(self) -> None:
        with pytest.raises(ValueError, match=r"got \['error'\]"):
            Orders.of_slots(["1"], ["error"], ["A"])

    def test_lists_of_unequal_lengths(self) -> None:
        with pytest.raises(ValueError, match="got 1 questions, 2 and 1 verdicts"):
            Orders.of_slots(["1"], ["A", "B"], ["A"])
