"""Scores of the same items over nights: read from verdicts, kept in the state, counted for the bets."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from jobs.lib.stats.exchangeable import Channels, Table
from polyglot.kinds.drift import Bets, ItemScores
from polyglot.kinds.judge import Verdict

WHOLE = 0  # the turn of an item that is a question with all of its turns and samples
DIGITS = 4  # of every number that is kept


class Item(NamedTuple):
    """What is scored every night."""

    cell: str
    language: str
    id: str
    sample: int
    turn: int

    @classmethod
    def of(cls, row: ItemScores) -> "Item":
        """Of a row of the state."""
        return cls(row.cell, row.language, row.id, row.sample, row.turn)


@dataclass(slots=True)
class Scored:
    """One night's scores, and the categories of all items that should have one."""

    scores: dict[Item, float] = field(default_factory=dict)
    categories: dict[Item, str] = field(default_factory=dict)

    def add(self, cell: str, verdicts: Iterable[Verdict], wanted: Callable[[Item], bool] = lambda item: True) -> None:
        """Take one item a turn."""
        for verdict in verdicts:
            item = Item(cell, verdict.language, verdict.id, verdict.sample, verdict.turn)
            if not wanted(item):
                continue
            self.categories[item] = verdict.category
            if verdict.score is not None:
                self.scores[item] = round(verdict.score, DIGITS)

    def add_questions(self, cell: str, verdicts: Iterable[Verdict]) -> None:
        """Take one item a question: the mean of its turns and samples, as the turns of one answer hang together. A
        question with a turn that has no score has none.
        """
        found: dict[Item, list[float | None]] = {}
        for verdict in verdicts:
            item = Item(cell, verdict.language, verdict.id, 0, WHOLE)
            self.categories[item] = verdict.category
            found.setdefault(item, []).append(verdict.score)
        for item, scores in found.items():
            known = [score for score in scores if score is not None]
            if len(known) == len(scores):
                self.scores[item] = round(sum(known) / len(known), DIGITS)


@dataclass(slots=True)
class History:
    """How often each item got each score since the baseline began."""

    times: dict[Item, Counter[float]] = field(default_factory=dict)
    categories: dict[Item, str] = field(default_factory=dict)

    @classmethod
    def read(cls, rows: Iterable[ItemScores]) -> "History":
        """From the state."""
        found = cls()
        for row in rows:
            item = Item.of(row)
            found.times[item] = Counter(dict(zip(row.scores, row.times, strict=True)))
            found.categories[item] = row.category
        return found

    def add(self, night: Scored) -> None:
        """One more score each."""
        for item, score in night.scores.items():
            self.times.setdefault(item, Counter())[score] += 1
            self.categories[item] = night.categories[item]

    def rows(self) -> tuple[ItemScores, ...]:
        """For the state, in the order of items."""
        return tuple(
            ItemScores(
                cell=item.cell,
                language=item.language,
                category=self.categories[item],
                id=item.id,
                sample=item.sample,
                turn=item.turn,
                scores=tuple(score for score, _ in sorted(times.items())),
                times=tuple(number for _, number in sorted(times.items())),
            )
            for item, times in sorted(self.times.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Tonight's score of an item beside its earlier ones."""

    item: Item
    category: str
    tonight: float
    earlier: Mapping[float, int]

    @property
    def difference(self) -> float:
        """Tonight's minus the mean of the earlier ones."""
        number = sum(self.earlier.values())
        return self.tonight - sum(score * times for score, times in self.earlier.items()) / number

    @property
    def flips(self) -> float:
        """The share of the earlier ones that are another score."""
        return 1 - self.earlier.get(self.tonight, 0) / sum(self.earlier.values())

    @property
    def flips_before(self) -> float | None:
        """The share of pairs of earlier ones that are two scores; None where there are no two."""
        number = sum(self.earlier.values())
        pairs = number * (number - 1)
        return None if not pairs else 1 - sum(times * (times - 1) for times in self.earlier.values()) / pairs


def beside(history: History, night: Scored) -> list[Beside]:
    """The items that have a score tonight and one before, in their order."""
    return [
        Beside(item=item, category=history.categories[item], tonight=score, earlier=history.times[item])
        for item, score in sorted(night.scores.items())
        if history.times.get(item)
    ]


def channels_of(history: History, languages: Sequence[str], kept: Bets | None) -> Channels:
    """The bets on some items: languages and categories are those of all of them, whatever was scored tonight, and those
    that were bet on before.
    """
    spoken = {item.language for item in history.times}.union(kept.languages if kept else ())
    categories = sorted({*history.categories.values(), *(kept.categories if kept else ())})
    return Channels.of([language for language in languages if language in spoken], categories)


def table_of(rows: Sequence[Beside], channels: Channels) -> Table:
    """The counts behind the bets; tonight's score counts too."""
    values = sorted({score for row in rows for score in (row.tonight, *row.earlier)})
    at = {value: index for index, value in enumerate(values)}
    counts = np.zeros((len(rows), len(values)))
    for number, row in enumerate(rows):
        for score, times in row.earlier.items():
            counts[number, at[score]] += times
        counts[number, at[row.tonight]] += 1
    return Table(
        values=np.array(values),
        counts=counts,
        tonight=np.array([at[row.tonight] for row in rows], dtype=np.intp),
        language=np.array([channels.languages.index(row.item.language) for row in rows], dtype=np.intp),
        category=np.array([channels.categories.index(row.category) for row in rows], dtype=np.intp),
    )
