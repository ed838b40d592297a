"""What follows a failed attempt, from the records alone."""

from hypothesis import given
from hypothesis import strategies as st

from polyglot.engine.outcomes import MEMORY_RETRIES, Failed, GiveUp, Limits, TryAgain, decide
from polyglot.schedulers.base import Outcome

ENDS = [Outcome.TRANSIENT, Outcome.OUT_OF_MEMORY, Outcome.OUT_OF_DISK, Outcome.TIMED_OUT, Outcome.PERMANENT]


def failures(*outcomes: Outcome) -> list[Failed]:
    return [Failed(number=i + 1, outcome=one, reason=f"reason {i + 1}") for i, one in enumerate(outcomes)]


def test_a_permanent_failure_is_never_repeated() -> None:
    assert decide(failures(Outcome.PERMANENT), Limits()) == GiveUp(reason="reason 1")


def test_an_end_over_budget_says_nothing_against_the_stage() -> None:
    over, failed = Outcome.OVER_BUDGET, Outcome.TRANSIENT
    assert decide(failures(*[over] * 9), Limits(max_attempts=2)) == TryAgain(number=10, after_seconds=0)
    assert isinstance(decide(failures(over, over, failed), Limits(max_attempts=2)), TryAgain)
    assert isinstance(decide(failures(over, failed, over, failed), Limits(max_attempts=2)), GiveUp)


def test_backoff_doubles_up_to_its_bound() -> None:
    limits = Limits(max_attempts=10, backoff_seconds=1, max_backoff_seconds=5)
    waits = [decide(failures(*[Outcome.TRANSIENT] * n), limits) for n in range(1, 6)]
    assert [one.after_seconds for one in waits if isinstance(one, TryAgain)] == [1, 2, 4, 5, 5]


def test_what_failed_before_the_last_step_forward_does_not_count() -> None:
    limits = Limits(max_attempts=3, backoff_seconds=1)
    five = failures(*[Outcome.TRANSIENT] * 5)
    assert isinstance(decide(five, limits, last_advance=3), GiveUp)
    assert decide(five, limits, last_advance=4) == TryAgain(number=6, after_seconds=2)


def test_memory_is_given_two_more_tries_and_then_a_hint_with_the_peak() -> None:
    again = [decide(failures(*[Outcome.OUT_OF_MEMORY] * n), Limits()) for n in (1, 2)]
    assert again == [TryAgain(number=2, after_seconds=0), TryAgain(number=3, after_seconds=0)]
    end = decide(failures(*[Outcome.OUT_OF_MEMORY] * 3), Limits())
    assert isinstance(end, GiveUp)
    assert "reason 3" in end.reason
    assert "resources.memory" in end.reason


def test_the_same_deadline_is_not_missed_a_third_time_without_having_got_further() -> None:
    late = failures(*[Outcome.TIMED_OUT] * 3)
    assert decide(late[:1], Limits()) == TryAgain(number=2, after_seconds=1)
    end = decide(late[:2], Limits())
    assert isinstance(end, GiveUp)
    assert end.reason.startswith("timed out in 2 attempts that got no further: reason 2; raise resources.deadline")
    assert isinstance(decide(late[:2], Limits(), last_advance=1), TryAgain)
    assert isinstance(decide(late, Limits(), last_advance=2), TryAgain)
    assert isinstance(decide(late, Limits(), last_advance=1), GiveUp)


@given(st.lists(st.sampled_from(ENDS), min_size=1, max_size=12), st.integers(1, 6))
def test_every_sequence_ends_and_numbers_rise(outcomes: list[Outcome], max_attempts: int) -> None:
    failed = failures(*outcomes)
    decision = decide(failed, Limits(max_attempts=max_attempts))
    others = sum(one in (Outcome.TRANSIENT, Outcome.TIMED_OUT) for one in outcomes)
    over = (
        Outcome.PERMANENT in outcomes
        or outcomes.count(Outcome.OUT_OF_MEMORY) > MEMORY_RETRIES
        or outcomes.count(Outcome.OUT_OF_DISK) > MEMORY_RETRIES
        or outcomes.count(Outcome.TIMED_OUT) > 1
        or others >= max_attempts
    )
    assert isinstance(decision, GiveUp) == over
    if isinstance(decision, TryAgain):
        assert decision.number == failed[-1].number + 1
        assert 0 <= decision.after_seconds <= Limits().max_backoff_seconds
