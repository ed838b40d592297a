"""The smallest true difference that a comparison finds, by what is known of its questions and seeds."""

from dataclasses import dataclass
from math import hypot
from statistics import NormalDist

from polyglot.core.student import student_quantile

POWER = 0.8
_STEPS = 12  # quantiles that a distribution is averaged over


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """What the limits of a difference are made of (docs/statistics.md): two sources, joined as MOVER joins them.

    `reach` is the distance of the limits by questions alone at the level that is tested at, `questions` their standard
    error, `kept` the share of both that is due to questions and not to seeds on them. `seeds_error` is the standard
    error of the mean over `seeds`.
    """

    reach: float
    questions: float
    kept: float
    seeds: int
    seeds_error: float

    def detectable(self, level: float) -> float:
        """The true difference that is found with chance POWER, were the same compared again.

        Limits of few seeds are far apart in one study and close in the next, as the spread between seeds is hardly
        known; so the chance is averaged over that spread (Wilson and Hilferty's quantiles of chi-squared).
        """
        normal = NormalDist()
        if self.seeds == 1:
            return self.reach + normal.inv_cdf(POWER) * self.questions
        freedom = self.seeds - 1
        t = student_quantile((1 + level) / 2, freedom)
        spread = 2 / (9 * freedom)
        scores = [normal.inv_cdf((step + 0.5) / _STEPS) for step in range(_STEPS)]
        ratios = [max(0.0, 1 - spread + score * spread**0.5) ** 1.5 for score in scores]  # of the estimated to the true
        reaches = [max(self.reach, hypot(self.kept * self.reach, t * ratio * self.seeds_error)) for ratio in ratios]
        error = hypot(self.kept * self.questions, self.seeds_error)
        if error == 0:
            return self.reach
        low, high = 0.0, max(reaches) + 3 * error
        for _ in range(20):
            middle = (low + high) / 2
            found = sum(normal.cdf((middle - reach) / error) for reach in reaches) / _STEPS
            low, high = (middle, high) if found < POWER else (low, middle)
        return high
