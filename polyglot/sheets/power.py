"""What so many votes can show: the power of the exact binomial test that two answers are preferred equally often."""

from math import exp, lgamma, log


def power(votes: int, preferred: float, level: float = 0.05) -> float:
    """The chance that a two-sided exact test at `level` finds a preference of `preferred` (0 to 1) in so many votes.

    Ties are no votes here: they say nothing of a preference.
    """
    most = extreme(votes, level)
    return sum(
        _chance(won, votes, preferred) + _chance(votes - won, votes, preferred)  # the two tails do not meet
        for won in range(most + 1)
    )


def extreme(votes: int, level: float) -> int:
    """The most wins of the loser that the test still takes for a preference; -1 where nothing is enough."""
    most = round(level * 10**9) * 2**votes  # whole numbers: those of thousands of votes are beyond a float
    tail, ways, won = 0, 1, 0  # ways: votes choose won
    while 2 * (tail := tail + ways) * 10**9 <= most and 2 * won < votes:
        ways = ways * (votes - won) // (won + 1)
        won += 1
    return won - 1


def said(votes: int, preferred: float = 0.7) -> str:
    """The power in a sentence."""
    share = round(100 * preferred)
    return (
        f"{votes} decisive votes find a preference of {share}:{100 - share} with a chance of "
        f"{power(votes, preferred):.0%} (exact binomial test, alpha .05); ties leave fewer"
    )


def _chance(won: int, votes: int, preferred: float) -> float:
    ways = lgamma(votes + 1) - lgamma(won + 1) - lgamma(votes - won + 1)
    return exp(ways + won * log(preferred) + (votes - won) * log(1 - preferred))
