"""What each parallel mix gains over its monolingual mixes, in every reading of "by up to so many per cent".

The study reports 9.9 % and no formula (arXiv 2402.13703). Its words allow a gain over the best, the mean or the worst
monolingual mix, or in each language over that language's own; of the mean over languages, or in the language that gains
most; in points, or in per cent of the control. All are here, each with an interval: the gain is formed inside each
resample and for each seed, and what the data choose (the best, the worst, a language) is chosen anew in each resample.
The largest of several noisy gains is larger than it is; its interval reaches as far as the choice could have moved it.
Limits in per cent are widened as those in points are: by what the questions hide of either side (`difference_widened`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import NamedTuple

import numpy as np

from jobs.aggregate.arms import Arm
from jobs.aggregate.contrasts import Difference, Paired, average, pair_up
from jobs.aggregate.rounding import rounded
from jobs.aggregate.tables import Tables
from jobs.lib.stats.grid import SCALES, Floats
from jobs.lib.stats.interval import Interval, both_widened, difference_widened, over_seeds
from polyglot.core.detectable import NARROWEST, SeedError
from polyglot.kinds.cells import AGAIN, ArmKey, Contrast, Family
from polyglot.kinds.gains import Against, Gain

CHOICES: Mapping[Against, Family] = {
    "mean": Family.PARALLEL_MEAN,
    "best": Family.PARALLEL_BEST,
    "worst": Family.PARALLEL_WORST,
}


def gains(tables: Tables) -> list[Gain]:
    """Return the rows of gains.json, in the order of the study's cells; none without such mixes."""
    cells = {cell.arm_key: cell for cell in tables.cells}
    arms = {arm.key: arm for arm in tables.arms if AGAIN not in arm.key.arm}
    mono = {
        (*key.trained_on, cells[key].size, arm.languages[0]): key
        for key, arm in arms.items()
        if len(arm.languages) == 1
    }
    mixes: list[_Mix] = []
    for key, arm in arms.items():
        if len(arm.languages) > 1 and not cells[key].sampled:
            wanted = [(*key.trained_on, cells[key].size, language) for language in arm.languages]
            if all(one in mono for one in wanted):
                mixes.append(_Mix(tables, arms, key, {one[-1]: mono[one] for one in wanted}))
    rows: dict[ArmKey, list[Gain]] = {}
    for mix in sorted(mixes, key=lambda mix: cells[mix.key].size or 0):  # those of a size have arms in common
        mix.expect()
        rows[mix.key] = list(_of_mix(mix))
    return [row for mix in mixes for row in rows[mix.key]]


class _Mix:
    """A parallel mix and the monolingual mixes of its languages, by these, paired as contrasts are."""

    def __init__(self, tables: Tables, arms: Mapping[ArmKey, Arm], key: ArmKey, controls: Mapping[str, ArmKey]) -> None:
        self.tables, self.arms, self.key, self.controls = tables, arms, key, controls

    def expect(self) -> None:
        """Draw at once for all that is asked of its arms and of those whose seeds they are held against."""
        every, peers = range(len(self.tables.params.languages)), self.arms[self.key].peers
        arms = [self.arms[key] for key in (self.key, *self.controls.values())]
        arms += [arm for arm in self.tables.arms if arm.peers == peers]
        self.tables.whole.score.expect((arm, on) for arm in arms for on in (every, *([k] for k in every)))

    def languages(self, against: Against) -> list[str]:
        """Those that a reading is over."""
        asked = self.tables.params.languages
        return [language for language in asked if against != "own" or language in self.controls]

    def paired(self, against: Against, on: Sequence[str]) -> Paired:
        """The mix against a choice of the monolingual ones, over some languages."""
        if against != "own":
            return self._pair(CHOICES[against], tuple(self.controls.values()), on)
        each = [self._pair(Family.PARALLEL_MEAN, (self.controls[language],), (language,)) for language in on]
        labels = reduce(lambda kept, pair: [label for label in kept if label in pair.labels], each, [*each[0].labels])
        sides = [(pair.treatment.of(labels), pair.control.of(labels)) for pair in each]
        return Paired(treatment=average([ours for ours, _ in sides]), control=average([theirs for _, theirs in sides]))

    def failed_share(self, against: Against, on: Sequence[str]) -> float:
        """Of the verdicts of that arm of which most failed, each over the languages that it is read in."""
        read = [(self.key, on)]
        if against == "own":
            read += [(self.controls[language], (language,)) for language in on]
        else:
            read += [(control, on) for control in self.controls.values()]
        places = self.tables.params.languages
        shares = (
            rounded(self.tables.unscored.share(self.arms[key], [places.index(language) for language in languages]))
            for key, languages in read
        )
        return max(share or 0.0 for share in shares)

    def _pair(self, family: Family, controls: tuple[ArmKey, ...], on: Sequence[str]) -> Paired:
        what = Contrast(
            name=f"gain of {self.key.arm}",
            family=family,
            model=self.key.model,
            dataset=self.key.dataset,
            treatment=(self.key,),
            control=controls,
            on=tuple(on),
        )
        return pair_up(what, self.arms, self.tables.whole.score, self.tables.params.languages)


class _Reading(NamedTuple):
    """Pairs behind the points and the per cent of one row; they differ where the largest gain is another's by each."""

    points: Paired
    percent: Paired
    chosen: Floats | None  # (R,) draws in per cent, with what the data choose chosen anew in each
    language: str | None = None
    percent_language: str | None = None


def _of_mix(mix: _Mix) -> Iterator[Gain]:
    """The gains of one mix in every reading."""
    readings: tuple[Against, ...] = (*CHOICES, "own")
    for against in readings:
        languages = mix.languages(against)
        if languages:
            whole = mix.paired(against, languages)
            chosen = None if whole.chosen_draws is None else _draws(whole, percent=True)
            yield _gain(mix, against, languages, _Reading(whole, whole, chosen))
            one = _largest({name: mix.paired(against, (name,)) for name in languages})
            named = [name for name in (one.language, one.percent_language) if name is not None]
            yield _gain(mix, against, list(dict.fromkeys(named)), one)


def _gain(mix: _Mix, against: Against, on: Sequence[str], found: _Reading) -> Gain:
    """One row, of numbers in the languages `on`."""
    params, whole = mix.tables.params, mix.tables.whole
    difference = Difference.of(found.points, whole.questions, SCALES["score"], freedom=whole.freedom)
    points = difference.interval(params.level)
    percent = _in_per_cent(found, whole.questions, whole.freedom, params.level)
    return Gain(
        model=mix.key.model,
        dataset=mix.key.dataset or "",
        arm=mix.key.arm,
        against=against,
        over="all languages" if found.language is None else "the language that gains most",
        selected=found.points.selected,
        language=found.language,
        seeds=found.points.seeds,
        points=rounded(points.mean),
        points_low=rounded(points.low),
        points_high=rounded(points.high),
        percent=rounded(percent.mean),
        percent_low=rounded(percent.low),
        percent_high=rounded(percent.high),
        percent_selected=found.percent.selected,
        percent_language=found.percent_language,
        failed_share=max(mix.failed_share(against, (language,)) for language in on)
        if found.language
        else mix.failed_share(against, on),
    )


def _in_per_cent(found: _Reading, questions: int, freedom: int, level: float) -> Interval:
    """The gain in per cent with its limits, widened by what the questions hide of either side, as points are."""
    ours, theirs = found.percent.treatment, found.percent.control
    ratios = _ratio(ours.points, theirs.points), _ratio(ours.draws, theirs.draws)
    alone = over_seeds(
        *ratios,
        level,
        found.chosen,
        freedom=freedom,
        seeds=_errors_in_per_cent(found.percent) if found.chosen is None else None,
        narrowest=NARROWEST if found.chosen is None else 1.0,
    )
    means = [side.interval(level, freedom) for side in (ours, theirs)]
    (own, wide), (other, other_wide) = both_widened(means, questions, level, SCALES["score"])
    sides = [
        (_scaled(own, 100 / other.mean), _scaled(wide, 100 / other.mean)),
        (_inverse(other, 100 * own.mean), _inverse(other_wide, 100 * own.mean)),
    ]
    least, most = SCALES["score"]
    return difference_widened(alone, sides).clipped(100 * (least / most - 1), 100 * (most / least - 1))


def _errors_in_per_cent(paired: Paired) -> list[SeedError] | None:
    """The parts of the standard error by seeds, to first order: a point of the control counts as much as the gain."""
    if paired.errors is None:
        return None
    ours, theirs = float(paired.treatment.points.mean()), float(paired.control.points.mean())
    return [
        SeedError(part.error * factor, part.freedom)
        for factor, parts in zip((100 / theirs, 100 * ours / theirs**2), paired.errors, strict=True)
        for part in parts
    ]


def _scaled(side: Interval, factor: float) -> Interval:
    return Interval(mean=side.mean * factor, low=side.low * factor, high=side.high * factor)


def _inverse(side: Interval, factor: float) -> Interval:
    """What a control takes away: it grows with the control, as in a difference."""
    return Interval(mean=-factor / side.mean, low=-factor / side.low, high=-factor / side.high)


def _largest(by_language: Mapping[str, Paired]) -> _Reading:
    """The language that gains most, in points and in per cent, chosen anew in each resample.

    A language in which an arm has no valid verdict is none of those that are chosen from; nor is it so in a draw.
    """
    known = {name: paired for name, paired in by_language.items() if not np.isnan(paired.points.mean())}
    by_language = known or by_language

    def mean(language: str, *, percent: bool) -> float:
        ours, theirs = by_language[language].treatment.points, by_language[language].control.points
        return float((_ratio(ours, theirs) if percent else ours - theirs).mean())

    one, other = (max(by_language, key=lambda name: mean(name, percent=percent)) for percent in (False, True))
    points, shares = (
        np.fmax.reduce([_draws(paired, percent=percent) for paired in by_language.values()])  # leaves NaN out
        for percent in (False, True)
    )
    return _Reading(replace(by_language[one], chosen_draws=points, errors=None), by_language[other], shares, one, other)


def _draws(paired: Paired, *, percent: bool) -> Floats:
    """Draws (R,) of the mean over seeds, with the control chosen anew in each where one is chosen."""
    ours = paired.treatment.draws.mean(axis=1)
    gain = ours - paired.control.draws.mean(axis=1) if paired.chosen_draws is None else paired.chosen_draws
    return _ratio(ours, ours - gain) if percent else gain


def _ratio(ours: Floats, theirs: Floats) -> Floats:
    """Gains in per cent of the control, element by element."""
    found: Floats = 100 * (ours / theirs - 1)
    return found
