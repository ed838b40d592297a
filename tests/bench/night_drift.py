"""How often nights raise a false alarm, how soon they find a change, and whom they blame. docs/statistics.md quotes it.

    python -m tests.bench.night_drift [QUIET [CHANGED]]

A stream is 90 nights of one study: five languages, anchors of 80 questions' single turns at two levels (160 verdicts a
language), and four cells that answer anew each night, unlike the night before. Scores are latent values with the
judge's own noise, rounded and clipped to 1 to 10. A change comes on a night from 1 to 30; the night of it is the first
to be judged otherwise. Printed beside each share is its Monte-Carlo standard error.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from jobs.drift.attribution import blame, run_there
from jobs.lib.stats.detector import Wealth
from jobs.lib.stats.exchangeable import Channels, Table
from jobs.lib.stats.grid import Floats

LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
CATEGORIES = ("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities")
QUESTIONS, CELLS, NIGHTS, LATEST = 80, 4, 90, 30
ERROR, HORIZON = 0.05, 90
AT_ONCE = 50  # streams that are simulated together
OFFSET = (-0.015 * 8 - 0.63 + 0.37) / 6  # of the other categories, so that the mean moves by -0.015


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What changes: points that the judge adds by category, how far it disagrees with the old one, a cell's level."""

    judge: Mapping[str, float] = field(default_factory=dict)
    disagrees: float = 0.0  # SD over items, in points
    model: float = 0.0  # points that the first cell changes by
    within: int = 2  # nights, that of the change included
    noise: float = 0.13  # SD of the judge's own, before rounding: it repeats itself on 86 %
    languages: int = 5
    turns: int = 1  # of each anchor: 160 or 320 verdicts a language
    night: int | None = None  # of the change; None: any from 1 to LATEST

    @property
    def changes(self) -> bool:
        return bool(self.judge) or self.disagrees > 0 or self.model != 0


SWAP = dict.fromkeys(CATEGORIES, -0.52)
PROFILE = {**dict.fromkeys(CATEGORIES, OFFSET), "math": 0.63, "extraction": -0.37}
QUIET = {"a steady judge": Scenario(), "a noisy judge": Scenario(noise=0.5), "one language": Scenario(languages=1)}
CHANGED = {
    "swap by -0.52": Scenario(judge=SWAP, disagrees=1.6),
    "swap by -0.52, noisy": Scenario(judge=SWAP, disagrees=1.6, noise=0.5),
    "swap by -0.52, first night": Scenario(judge=SWAP, disagrees=1.6, night=1),
    "swap by -0.52, one language": Scenario(judge=SWAP, disagrees=1.6, languages=1),
    "swap by -0.52, one language, first": Scenario(judge=SWAP, disagrees=1.6, languages=1, night=1),
    "the same with 320 verdicts": Scenario(judge=SWAP, disagrees=1.6, languages=1, night=1, turns=2),
    "categories alone": Scenario(judge=PROFILE, disagrees=0.65, within=5),
    "categories alone, noisy": Scenario(judge=PROFILE, disagrees=0.65, within=5, noise=0.5),
    "categories alone, first night": Scenario(judge=PROFILE, disagrees=0.65, within=5, night=1),
    "categories alone, one language": Scenario(judge=PROFILE, disagrees=0.65, within=5, languages=1),
    "agreement alone": Scenario(disagrees=0.65, within=5),
    "a model by -0.5": Scenario(model=-0.5, within=5),
    "a model by -1": Scenario(model=-1.0, within=5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of each stream: the first night of an alarm (0: none), whom it blames, the night of the change."""

    night: Floats
    judge: Floats
    model: Floats
    change: Floats


class Items:
    """The items of one kind over S streams, scored night after night."""

    def __init__(self, streams: int, languages: int, values: Floats) -> None:
        self.channels = Channels.of(LANGUAGES[:languages], CATEGORIES)
        question = np.tile(np.arange(QUESTIONS), languages)
        self.language = np.repeat(np.arange(languages), QUESTIONS)
        self.category = question * len(CATEGORIES) // QUESTIONS
        self.values, self.counts = values, np.zeros((streams, len(question), len(values)))
        self.wealth = Wealth.none(streams, len(self.channels.each))

    def times(self, number: int) -> "Items":
        """So many items a question: of levels and turns."""
        self.language, self.category = np.tile(self.language, number), np.tile(self.category, number)
        self.counts = np.tile(self.counts, (1, number, 1))
        return self

    def see(self, scores: Floats, night: int) -> Floats:
        """Log evidence (S,) after a night's scores (S, N); night 0 is the baseline."""
        at = np.rint((scores - self.values[0]) / (self.values[1] - self.values[0])).astype(np.intp)
        np.put_along_axis(self.counts, at[..., None], np.take_along_axis(self.counts, at[..., None], -1) + 1.0, axis=-1)
        if night:
            table = Table(
                values=self.values, counts=self.counts, tonight=at, language=self.language, category=self.category
            )
            self.wealth = self.wealth.bet(self.channels.evidence(table), night)
        return self.wealth.evidence(self.channels.weights, HORIZON)


def simulate(scenario: Scenario, streams: int, nights: int, random: np.random.Generator) -> Outcome:
    """Simulate some streams; each is followed to its first alarm."""
    whole, halves = np.arange(1.0, 11.0), np.arange(1.0, 10.25, 0.5)
    anchors = Items(streams, scenario.languages, whole).times(2 * scenario.turns)
    cells = [Items(streams, scenario.languages, halves) for _ in range(CELLS)]
    shape = anchors.counts.shape[:2]
    level = np.repeat([4.5, 8.0], shape[1] // 2)
    quality = level + random.normal(0, 1.8, shape)
    otherwise = quality + _moved(scenario, anchors) + random.normal(0, scenario.disagrees, shape)
    hardness = random.normal(0, 1.5, (streams, cells[0].counts.shape[1]))
    latest = scenario.night or LATEST
    change = np.full(streams, scenario.night) if scenario.night else random.integers(1, latest + 1, streams)
    change = change if scenario.changes else np.full(streams, nights + 1)
    found = {name: np.zeros(streams) for name in ("night", "judge", "model")}
    last = latest + scenario.within if scenario.changes else nights
    for night in range(last + 1):
        after = (night >= change)[:, None]
        says = _said(np.where(after, otherwise, quality), scenario.noise, random)
        judge = anchors.see(says, night)
        seen, there = [], []
        for number, cell in enumerate(cells):
            shift = np.where(after, scenario.model if number == 0 else 0.0, 0.0)
            seen.append(cell.see(_answered(cell, 5.0 + number + hardness + shift, after, scenario, random), night))
            there.append(run_there(anchors.wealth.run, cell.wealth.strongest(cell.channels.weights)))
        told = blame(judge, np.stack(seen, axis=-1), np.stack(there, axis=-1), error=ERROR, watched=CELLS)
        new = (found["night"] == 0) & (told.judge | told.cells.any(axis=-1))
        found["night"] = np.where(new, night, found["night"])
        found["judge"] = np.where(new, told.judge, found["judge"])
        found["model"] = np.where(new, told.cells.any(axis=-1), found["model"])
    return Outcome(**found, change=change.astype(float))


def _moved(scenario: Scenario, items: Items) -> Floats:
    return np.array([scenario.judge.get(name, 0.0) for name in CATEGORIES])[items.category]


def _said(latent: Floats, noise: float, random: np.random.Generator) -> Floats:
    return np.clip(np.rint(latent + random.normal(0, noise, latent.shape)), 1, 10)


def _answered(cell: Items, mean: Floats, after: Floats, scenario: Scenario, random: np.random.Generator) -> Floats:
    """The mean scores of two turns that a model answers anew, and so not as on the night before."""
    shape = mean.shape
    turns = []
    for _ in range(2):
        answer = mean + random.normal(0, 0.7, shape)
        other = answer + _moved(scenario, cell) + random.normal(0, scenario.disagrees, shape)
        turns.append(_said(np.where(after, other, answer), scenario.noise, random))
    return (turns[0] + turns[1]) / 2


def _all(scenario: Scenario, streams: int, nights: int, seed: int) -> Outcome:
    random = np.random.default_rng(seed)
    parts = [simulate(scenario, min(AT_ONCE, streams - at), nights, random) for at in range(0, streams, AT_ONCE)]
    return Outcome(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in Outcome.__slots__})


def _share(flags: Floats) -> str:
    share = float(np.mean(flags))
    return f"{100 * share:5.1f} % (+-{100 * np.sqrt(max(share * (1 - share), 1e-9) / len(flags)):.1f})"


def _facts(scenario: Scenario) -> str:
    """What the anchors look like: retest agreement, and the difference that the change makes."""
    random = np.random.default_rng(1)
    items = Items(20, scenario.languages, np.arange(1.0, 11.0)).times(2)
    quality = np.repeat([4.5, 8.0], items.counts.shape[1] // 2) + random.normal(0, 1.8, items.counts.shape[:2])
    other = quality + _moved(scenario, items) + random.normal(0, scenario.disagrees, quality.shape)
    first, again = _said(quality, scenario.noise, random), _said(quality, scenario.noise, random)
    apart = _said(other, scenario.noise, random) - first
    return (
        f"retest agrees {100 * np.mean(first == again):.0f} %, the changed judge {100 * np.mean(apart == 0):.0f} %, "
        f"differs by {apart.mean():+.2f} (SD {apart.std():.2f})"
    )


def main(quiet: int, changed: int) -> None:
    """Print every scenario."""
    print(f"{quiet} quiet streams of {NIGHTS} nights, {changed} with a change; error {ERROR} per {HORIZON} nights")
    for name, scenario in QUIET.items():
        began = time.monotonic()
        found = _all(scenario, quiet, NIGHTS, 7)
        alarms = f"alarms {_share(found.night > 0)}, judge {_share(found.judge)}, model {_share(found.model)}"
        print(f"quiet, {name}: {alarms}; {_facts(scenario)}; {time.monotonic() - began:.0f} s", flush=True)
    for name, scenario in CHANGED.items():
        found = _all(scenario, changed, NIGHTS, 11)
        who, other = (found.model, found.judge) if scenario.model else (found.judge, found.model)
        early = (found.night > 0) & (found.night < found.change)
        after = (found.night >= found.change) & (found.night < found.change + scenario.within)
        first = (found.night == found.change) & (who > 0)
        wrong = (found.night >= found.change) & (other > 0)
        print(
            f"{name}: found within {scenario.within} {_share(after & (who > 0))}, on the night itself {_share(first)}, "
            f"wrong blame {_share(wrong)}, before it {_share(early)}; {_facts(replace(scenario, model=0.0))}",
            flush=True,
        )


if __name__ == "__main__":
    given = sys.argv[1:3]
    main(*(int(word) for word in (*given, *("1000", "400")[len(given) :])))
