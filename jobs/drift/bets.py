"""The wealth of the bets on some items, as it is kept from night to night."""

from dataclasses import dataclass

import numpy as np

from jobs.drift.attribution import run_there
from jobs.drift.items import DIGITS, Beside, History, channels_of, table_of
from jobs.lib.stats.detector import Wealth
from jobs.lib.stats.exchangeable import ALL, TILTS, Channel, Channels
from polyglot.kinds.drift import Bets


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All bets after a night: their wealth, and the log evidence of all together."""

    channels: Channels
    wealth: Wealth
    evidence: float

    @property
    def strongest(self) -> Channel:
        """The bet that has won most."""
        return self.channels.each[int(self.wealth.strongest(self.channels.weights))]

    @property
    def since(self) -> int:
        """The number of the night on which what the strongest bet found began."""
        return int(self.wealth.since[int(self.wealth.strongest(self.channels.weights))])

    def run_at(self, channel: Channel) -> float:
        """The best run of the bets that bet as this one, in whatever strength; where there are none, of the mean."""
        placed = channel if channel in self.channels.each else channel._replace(test="mean", language=ALL, category="")
        if placed not in self.channels.each:
            placed = placed._replace(bet=TILTS[0])
        return float(run_there(self.wealth.run, np.array(self.channels.each.index(placed))))

    def kept(self) -> Bets:
        """For the state."""
        wealth = self.wealth
        return Bets(
            log=tuple(round(float(one), DIGITS) if np.isfinite(one) else None for one in wealth.log),
            run=tuple(round(float(one), DIGITS) for one in wealth.run),
            since=tuple(int(one) for one in wealth.since),
            languages=self.channels.languages,
            categories=self.channels.categories,
        )


def bet(
    kept: Bets | None, history: History, rows: list[Beside], languages: tuple[str, ...], *, night: int, horizon: int
) -> Book | None:
    """Bet on tonight's scores of items with a history; None where no item has one."""
    if not rows:
        return None
    channels = channels_of(history, languages, kept)
    wealth = _carried(kept, channels)
    wealth = wealth.bet(channels.evidence(table_of(rows, channels)), night)
    return Book(channels=channels, wealth=wealth, evidence=float(wealth.evidence(channels.weights, horizon)))


def _carried(kept: Bets | None, channels: Channels) -> Wealth:
    """The wealth of the night before in tonight's bets: each keeps its own, one that is new begins with none.

    A bet whose weight has grown since is cut to what it was worth, so that the weighted sum never rises by this.
    """
    wealth = Wealth.none(len(channels.each))
    if kept is None:
        return wealth
    before = Channels.of(kept.languages, kept.categories) if kept.languages else channels
    if len(kept.log) != len(before.each):  # of a version that bet otherwise, or did not say on what
        return wealth
    at = {channel: index for index, channel in enumerate(before.each)}
    for index, channel in enumerate(channels.each):
        then = at.get(channel)
        log = None if then is None else kept.log[then]
        if then is None or log is None:
            continue
        wealth.log[index] = log + min(0.0, float(np.log(before.weights[then] / channels.weights[index])))
        wealth.run[index] = kept.run[then]
        wealth.since[index] = kept.since[then]
    return wealth


def in_words(channel: Channel, difference: float | None) -> str:
    """What a bet was on, with the difference that was seen there."""
    where = "in all languages together" if channel.language == ALL else f"in {channel.language}"
    if channel.test == "flips":
        return f"verdicts on the same answers agree less than before, most plainly {where}"
    what = f"{channel.category} " if channel.category else ""
    seen = "" if difference is None else f" by {difference:+.2f} points"
    return f"{what}scores of the same answers moved{seen}, most plainly {where}"
