"""The samples of one training run, from the token sets of several languages."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from jobs.lib.token_set import Counts, Ids, Mask, TokenSet
from polyglot.core.errors import Permanent


class Samples(Protocol):
    """Samples by number: those of a mixture, or the rows of one token set."""

    lengths: Counts

    @property
    def supervised(self) -> Counts:
        """Tokens of each that are learnt."""
        ...

    def __len__(self) -> int: ...

    def sample(self, number: int) -> tuple[Ids, Mask]:
        """Token ids and loss mask of one."""
        ...


class Mixture:
    """The samples of one training run: an index over the token sets of several languages."""

    def __init__(self, sets: Mapping[str, TokenSet], index: Sequence[tuple[str, int]]) -> None:
        """`index` holds (language, row). Raises Permanent when it is empty or points beside the sets."""
        if not index:
            raise Permanent("mix: the mixture is empty")
        self.languages = tuple(sorted({language for language, _ in index}))
        absent = [language for language in self.languages if language not in sets]
        if absent:
            raise Permanent(f"mix: no tokens of {', '.join(absent)}; got tokens of {', '.join(sorted(sets)) or 'none'}")
        self._sets = [sets[language] for language in self.languages]
        number = {language: at for at, language in enumerate(self.languages)}
        self.language = np.array([number[language] for language, _ in index], dtype=np.int32)
        self._row = np.array([row for _, row in index], dtype=np.int64)
        self.lengths, self.supervised = np.zeros(len(index), np.int64), np.zeros(len(index), np.int64)
        for at, tokens in enumerate(self._sets):
            mine = self.language == at
            rows = self._row[mine]
            if rows.min() < 0 or rows.max() >= len(tokens):
                raise Permanent(
                    f"mix: row {rows.max()} of {self.languages[at]}, whose token set has {len(tokens)} rows"
                )
            self.lengths[mine], self.supervised[mine] = tokens.lengths[rows], tokens.supervised[rows]

    def __len__(self) -> int:
        return len(self.language)

    def sample(self, number: int) -> tuple[Ids, Mask]:
        """Token ids and loss mask of one sample."""
        tokens: TokenSet = self._sets[self.language[number]]
        return tokens.sample(int(self._row[number]))

    def names(self, samples: Sequence[int]) -> list[str]:
        """Language and id of samples, as their data set has them: `DE alpaca-12`. Reads the ids of whole sets."""
        ids = {at: self._sets[at].names() for at in {int(self.language[number]) for number in samples}}
        places = ((int(self.language[number]), int(self._row[number])) for number in samples)
        return [f"{self.languages[at]} {ids[at][row]}" for at, row in places]

    def largest_id(self) -> int:
        """The largest token id of all sets."""
        return max(tokens.largest_id() for tokens in self._sets)
