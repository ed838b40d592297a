"""Votes by MT-Bench's rule."""

import pytest

from jobs.lib.stats.votes import Vote, between, difference, repeated, within


def vote(judge: str, winner: str, question: str = "1", *, turned: bool = False, turn: int = 1) -> Vote:
    a, b = ("y", "x") if turned else ("x", "y")
    return Vote(judge=judge, question=question, turn=turn, model_a=a, model_b=b, winner=winner)


def test_who_is_named_first_does_not_matter() -> None:
    assert within([vote("p", "A"), vote("q", "B", turned=True)]).counts == (1, 1)
    assert within([vote("p", "A"), vote("q", "A", turned=True)]).counts == (0, 1)


def test_all_kinds_of_ties_are_alike() -> None:
    assert within([vote("p", "tie"), vote("q", "tie (inconsistent)"), vote("r", "both-bad")]).counts == (3, 3)


def test_without_ties_they_are_left_out_on_both_sides() -> None:
    judge, people = [vote("j", "A")], [vote("p", "A"), vote("q", "tie"), vote("r", "B")]
    assert between(judge, people).counts == (1, 3)
    assert between(judge, people, ties=False).counts == (1, 2)
    assert between([vote("j", "tie")], people, ties=False).counts == (0, 0)


def test_turns_and_questions_are_items_of_their_own() -> None:
    votes = [vote("p", "A"), vote("q", "A", turn=2), vote("r", "A", "2")]
    assert within(votes).counts == (0, 0)


def test_repeated_votes_are_named() -> None:
    assert repeated([vote("p", "A"), vote("p", "B", turned=True), vote("q", "A")]) == {("p", ("1", 1, "x", "y")): 2}


def test_a_difference_is_of_the_items_that_both_have() -> None:
    people = [vote("p", "A", str(question)) for question in range(60) for _ in range(2)] + [vote("p", "B", "0")]
    judge = [vote("j", "A" if question % 3 else "B", str(question)) for question in range(40)]
    found = difference(within(people), between(judge, people), resamples=500)
    shared = 40 - 1 + 1 / 3 * 3  # pairs of people on the shared items: one each, three on the first
    agree = 39 + 1
    machine = sum(2 for question in range(40) if question % 3) + 1  # the first item has a vote for B
    assert shared == 40
    assert found.mean == pytest.approx(agree / 42 - machine / 81)
    assert found.low < found.mean < found.high
