"""Verdicts on pairs as arrays, and the one resampling of questions that all languages and seeds share."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from jobs.lib.stats.clusters import RESAMPLES, question_weights
from jobs.lib.stats.grid import Floats, natural
from jobs.lib.stats.resampling import strata

Places = npt.NDArray[np.intp]
OUTCOMES = {"first": 0, "second": 1, "tie": 2}
_SLOTS = {"A": "first", "B": "second"}


def outcome_of(said: str | None) -> str:
    """The outcome of a verdict on two slots, as a judge says it; what names neither is a tie."""
    return _SLOTS.get(said or "", "tie")


class Game(NamedTuple):
    """What one look at two answers said; `first` is the model whose answer came first."""

    question: str
    first: Hashable
    second: Hashable
    outcome: str  # "first" | "second" | "tie"
    weight: float = 1.0  # of repeats of one item: that they count once together
    doublings: float = nan  # binary logarithm of the first answer's length over the second's; NaN: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """Questions, and how much each counts in each resample: `weights` (R, Q)."""

    ids: tuple[str, ...]
    weights: Floats
    freedom: int  # questions less the categories that they are drawn within

    @classmethod
    def of(
        cls, questions: Iterable[str], category: Mapping[str, str] | None = None, resamples: int = RESAMPLES
    ) -> "Resampling":
        """Resample these questions within their categories; without `category` all are of one.

        Raises KeyError for a question that `category` lacks.
        """
        ids = tuple(sorted(set(questions), key=natural))
        categories = tuple("" if category is None else category[identity] for identity in ids)
        return cls(
            ids=ids,
            weights=question_weights(categories, resamples),
            freedom=max(len(ids) - len(strata(categories)), 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Games:
    """N games among K models; `first` and `second` (N,) are positions in `models`, `question` in `ids`."""

    models: tuple[Hashable, ...]
    ids: tuple[str, ...]
    question: Places
    first: Places
    second: Places
    outcome: Places
    weight: Floats
    doublings: Floats

    @classmethod
    def of(cls, games: Iterable[Game], models: Sequence[Hashable], ids: Sequence[str]) -> "Games":
        """Read games. Raises ValueError for an outcome that is none, KeyError for unknown models and questions."""
        rows = list(games)
        strange = {row.outcome for row in rows} - set(OUTCOMES)
        if strange:
            raise ValueError(f"games: got {sorted(strange)}, expected some of {[*OUTCOMES]}")
        model_at, question_at = ({name: place for place, name in enumerate(names)} for names in (models, ids))
        table = np.array(
            [(question_at[r.question], model_at[r.first], model_at[r.second], OUTCOMES[r.outcome]) for r in rows],
            dtype=np.intp,
        ).reshape(-1, 4)
        return cls(
            models=tuple(models),
            ids=tuple(ids),
            question=table[:, 0],
            first=table[:, 1],
            second=table[:, 2],
            outcome=table[:, 3],
            weight=np.array([row.weight for row in rows], dtype=np.float64),
            doublings=np.array([row.doublings for row in rows], dtype=np.float64),
        )

    def only(self, kept: npt.NDArray[np.bool_] | Places) -> "Games":
        """Those games alone."""
        return Games(
            models=self.models,
            ids=self.ids,
            question=self.question[kept],
            first=self.first[kept],
            second=self.second[kept],
            outcome=self.outcome[kept],
            weight=self.weight[kept],
            doublings=self.doublings[kept],
        )

    @property
    def decisive(self) -> "Games":
        """Those without ties."""
        return self.only(self.outcome != OUTCOMES["tie"])

    @property
    def reaches(self) -> npt.NDArray[np.bool_]:
        """Whether one model (row) beat or tied another (column), or one that did, and so on (K, K)."""
        size = len(self.models)
        found = np.eye(size, dtype=bool)
        won, lost = self.outcome != OUTCOMES["second"], self.outcome != OUTCOMES["first"]
        found[self.first[won], self.second[won]] = True
        found[self.second[lost], self.first[lost]] = True
        for middle in range(size):
            found |= found[:, middle, None] & found[None, middle, :]
        return found

    def between(self, ours: Sequence[int], theirs: Sequence[int]) -> tuple[Floats, Floats, Floats]:
        """What one side won, lost and played against the other, by question (Q,) each."""
        sides = np.zeros(len(self.models), dtype=np.int8)
        sides[list(theirs)] = 2
        sides[list(ours)] = 1
        one, two = sides[self.first], sides[self.second]
        met = ((one == 1) & (two == 2)) | ((one == 2) & (two == 1))
        winner = np.where(self.outcome == 0, one, np.where(self.outcome == 1, two, 0))
        won, lost, played = (
            np.bincount(self.question[rows], self.weight[rows], minlength=len(self.ids)).astype(np.float64)
            for rows in (met & (winner == 1), met & (winner == 2), met)
        )
        return won, lost, played
