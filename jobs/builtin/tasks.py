"""Which tasks are trained on, which tune settings, and which are reported: drawn once, apart by construction.

Three parts: `train` (480 tasks), `dev` and `test` (80 two-turn tasks each, ten a family). Between any two parts
- no list of one holds a list of the other, in a row and in order;
- no noun is asked for its kind, or written twice, in both;
- no ordered pair is greeted in both.
A pair or list may share single nouns with another part, and phrasings are shared by all.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from jobs.builtin.families import FAMILIES, ON_LISTS, PHRASINGS, Arguments, draw
from jobs.builtin.words import COUNT, KINDS, PER_KIND

TRAIN, DEV, TEST = "train", "dev", "test"
PER_FAMILY: Mapping[str, int] = {TRAIN: 60, DEV: 10, TEST: 10}
_SEED = "polyglot built-in tasks 1"
_TWICE = {DEV: 10, TEST: 10}  # nouns that are written twice in this part only
_KIND = {DEV: 3, TEST: 3}  # nouns of each kind that are asked for it in this part only


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One or two turns of a family. `name` is the task's id in all languages."""

    name: str
    family: str
    phrasing: int
    turns: tuple[Arguments, ...]


@cache
def tasks(part: str) -> tuple[Task, ...]:
    """The tasks of a part, in the order of their ids: family by family in turn."""
    return _all()[part]


@cache
def held_out() -> frozenset[tuple[str, Arguments]]:
    """What dev and test ask, as (family, arguments); all list families are "list"."""
    return frozenset(
        (_sort(task.family), arguments) for part in (DEV, TEST) for task in tasks(part) for arguments in task.turns
    )


def touches(family: str, arguments: Arguments, others: frozenset[tuple[str, Arguments]]) -> bool:
    """Whether arguments hold, in a row, those of one of the others."""
    return any((_sort(family), run) in others for run in _runs(family, arguments))


def nouns_of(part: str, family: str) -> Sequence[int]:
    """Which nouns a part may ask for their kind, or have written twice."""
    places = _pools(family)
    return [noun for noun in range(COUNT) if places[noun] == part]


def _sort(family: str) -> str:
    return "list" if family in ON_LISTS else family


def _runs(family: str, arguments: Arguments) -> Iterator[Arguments]:
    if family not in ON_LISTS:
        yield arguments
        return
    for start in range(len(arguments)):
        for end in range(start + 2, len(arguments) + 1):
            yield arguments[start:end]


@cache
def _pools(family: str) -> Mapping[int, str]:
    """Noun -> its part, for the families of single nouns."""
    rng = random.Random(f"{_SEED}: {family}")  # noqa: S311 - a draw of data, not a secret
    if family == "kind":
        groups = [list(range(kind * PER_KIND, (kind + 1) * PER_KIND)) for kind in range(len(KINDS["EN"]))]
        sizes = _KIND
    else:
        groups, sizes = [list(range(COUNT))], _TWICE
    places: dict[int, str] = {}
    for group in groups:
        rng.shuffle(group)
        for part, size in sizes.items():
            for _ in range(size):
                places[group.pop()] = part
        places.update(dict.fromkeys(group, TRAIN))
    return places


@cache
def _all() -> Mapping[str, tuple[Task, ...]]:
    """Draw dev, then test, then train, each apart from those before."""
    rng = random.Random(_SEED)  # noqa: S311 - a draw of data, not a secret
    drawn: dict[str, tuple[Task, ...]] = {}
    taken: set[tuple[str, Arguments]] = set()  # what earlier parts ask
    runs: set[tuple[str, Arguments]] = set()  # and every run of it, as a list must not lie in a longer one either
    for part in (DEV, TEST, TRAIN):
        made: list[Task] = []
        seen: set[tuple[str, int, Arguments]] = set()  # first turns, which a benchmark never repeats in other words
        for number in range(PER_FAMILY[part] * len(FAMILIES)):
            index, family = divmod(number, len(FAMILIES))
            task = _draw(rng, part, FAMILIES[family], index, frozenset(taken), frozenset(runs), seen)
            made.append(task)
        for task in made:
            for arguments in task.turns:
                taken.add((_sort(task.family), arguments))
                runs.update((_sort(task.family), run) for run in _runs(task.family, arguments))
        drawn[part] = tuple(made)
    return drawn


def _draw(
    rng: random.Random,
    part: str,
    family: str,
    index: int,
    taken: frozenset[tuple[str, Arguments]],
    runs: frozenset[tuple[str, Arguments]],
    seen: set[tuple[str, int, Arguments]],
) -> Task:
    nouns = nouns_of(part, family) if family in ("twice", "kind") else range(COUNT)
    phrasing = index % PHRASINGS
    wording = phrasing if part == TRAIN else 0
    while True:
        turns = [draw(family, rng, nouns) for _ in range(2)]
        if turns[0] == turns[1] or (family, wording, turns[0]) in seen:
            continue
        if any(touches(family, one, taken) or (_sort(family), one) in runs for one in turns):
            continue
        seen.add((family, wording, turns[0]))
        wanted = 2 if part != TRAIN or rng.random() < 0.5 else 1
        return Task(name=f"{family}-{index + 1:02d}", family=family, phrasing=phrasing, turns=tuple(turns[:wanted]))
