"""Betting over nights against "nothing changed", for a change that may begin on any of them.

On each night every bet gets one new unit and lets what it has ride: M <- (M + 1) e, with e tonight's e-value. That is
the sum, over all nights at which a change may have begun, of the wealth of a gambler who began then (Shiryaev and
Roberts; Shin, Ramdas and Rinaldo 2024, "E-detectors", section 2). While nothing changes its mean after n nights is n,
so by Doob's inequality it passes horizon / error within n nights with a chance of at most error n / horizon: 5 % per 90
nights, however often one looks. Several bets share the error by weights that sum to one, as the weighted sum of such
processes is one again.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.lib.stats.grid import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Wealth:
    """Of J bets, in natural logarithms (…, J). `run` is the wealth of the best beginning, `since` the night of it."""

    log: Floats
    run: Floats
    since: npt.NDArray[np.int64]

    @classmethod
    def none(cls, *shape: int) -> "Wealth":
        """Before the first night."""
        return cls(log=np.full(shape, -np.inf), run=np.zeros(shape), since=np.zeros(shape, dtype=np.int64))

    def bet(self, evidence: Floats, night: int) -> "Wealth":
        """After a night with these log e-values."""
        fresh = self.run <= 0
        return Wealth(
            log=np.logaddexp(self.log, 0.0) + evidence,
            run=np.where(fresh, 0.0, self.run) + evidence,
            since=np.where(fresh, night, self.since),
        )

    def evidence(self, weights: Floats, horizon: int) -> Floats:
        """The logarithm of the weighted sum over the horizon (…): an error is spent when it reaches log(1 / error)."""
        with np.errstate(divide="ignore"):
            weighed = self.log + np.log(weights)
        highest = np.maximum(weighed.max(axis=-1), -700.0)
        found: Floats = highest + np.log(np.exp(weighed - highest[..., None]).sum(axis=-1) + 1e-300) - np.log(horizon)
        return found

    def strongest(self, weights: Floats) -> npt.NDArray[np.intp]:
        """The bet that has won most (…)."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.argmax(self.log + np.log(weights), axis=-1))
