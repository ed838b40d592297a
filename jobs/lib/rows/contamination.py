"""Benchmark texts that occur in training rows: as they are, by runs of words, and nearly as they are.

Rule. Text is casefolded NFKC; words are runs of letters, digits and underscores. A turn of a question (or a reference
answer of at least 5 words) is, in one turn of a row,

- *exact*: both are the same words;
- *overlap*: the row's turn holds a run of 13 words of it (Brown et al. 2020, appendix C), or all its words when it has
  5 to 12. Shorter turns match exactly or not at all: "Explain your answer." is not evidence;
- *near*: their sets of word 3-grams have a Jaccard similarity of at least 0.6, where it has at least 8 words. An edit
  every thirteen words hides a copy from the rule of runs, and not from this one.

What is exact is listed as exact alone; what is both overlap and near is listed as both. Near pairs are found without
sketches: a benchmark is small, so its 3-grams are an index, and every pair that shares one is counted exactly. MinHash
would find some of them. Rows are compared with all languages of the benchmark.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from polyglot.kinds.contamination import OverlapMatch
from polyglot.kinds.rows import Form

RUN_WORDS = 13
SHORTEST_RUN_WORDS = 5
NEAR_GRAM_WORDS = 3
NEAR_SIMILARITY = 0.6
NEAR_SHORTEST_WORDS = 8
KINDS = ("exact", "overlap", "near")
_WORD = re.compile(r"\w+")

Words = tuple[str, ...]


def words(text: str) -> list[str]:
    """Return the words of a text as they are compared."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return _WORD.findall(plain.casefold())


@dataclass(frozen=True, slots=True)
class Text:
    """One turn of the benchmark."""

    question: str
    language: str
    turn: int
    of: str
    spoken: Words
    grams: frozenset[Words]


@dataclass
class Benchmark:
    """The benchmark's turns, indexed for one look per position of a row's text."""

    _texts: list[Text] = field(default_factory=list)
    _exact: dict[Words, list[int]] = field(default_factory=dict)
    _runs: dict[Words, list[tuple[Words, int]]] = field(default_factory=dict)
    _grams: dict[Words, list[int]] = field(default_factory=dict)  # only of texts long enough to be near

    def add(self, document: Form, of: str = "question") -> None:
        """Index a question or a reference answer in the normal form, of any language."""
        for number, turn in enumerate(document.texts, 1):
            spoken = tuple(words(turn))
            if spoken and (of == "question" or len(spoken) >= SHORTEST_RUN_WORDS):
                self._index(Text(document.id, document.language, number, of, spoken, grams(spoken)))

    def _index(self, text: Text) -> None:
        number, spoken = len(self._texts), text.spoken
        self._texts.append(text)
        self._exact.setdefault(spoken, []).append(number)
        if len(spoken) >= NEAR_SHORTEST_WORDS:
            for gram in text.grams:
                self._grams.setdefault(gram, []).append(number)
        if len(spoken) < SHORTEST_RUN_WORDS:
            return
        length = min(RUN_WORDS, len(spoken))
        for start in range(len(spoken) - length + 1):
            run = spoken[start : start + length]
            self._runs.setdefault(run[:SHORTEST_RUN_WORDS], []).append((run, number))

    def hits(self, row: Form) -> Iterator[OverlapMatch]:
        """Yield the matches of one training row in the normal form."""
        for number, turn in enumerate(row.texts, 1):
            spoken = words(turn)
            if not spoken:
                continue
            mine = grams(spoken)
            for at, kinds in self._found(spoken, mine).items():
                text = self._texts[at]
                similarity = 1.0 if "exact" in kinds else jaccard(mine, text.grams)
                for kind in kinds:
                    yield OverlapMatch(
                        id=row.id,
                        language=row.language,
                        turn=number,
                        question=text.question,
                        question_language=text.language,
                        question_turn=text.turn,
                        of=text.of,
                        kind=kind,
                        similarity=round(similarity, 4),
                    )

    def _found(self, spoken: list[str], mine: frozenset[Words]) -> dict[int, set[str]]:
        """Numbers of the benchmark's texts that match, with how."""
        found: dict[int, set[str]] = {at: {"exact"} for at in self._exact.get(tuple(spoken), ())}
        heads = list(_shifted(spoken, SHORTEST_RUN_WORDS))
        if not self._runs.keys().isdisjoint(heads):
            for start, head in enumerate(heads):
                for run, at in self._runs.get(head, ()):
                    if at not in found and tuple(spoken[start : start + len(run)]) == run:
                        found[at] = {"overlap"}
        for at in self._near(spoken, mine):
            if found.get(at) != {"exact"}:
                found.setdefault(at, set()).add("near")
        return found

    def _near(self, spoken: list[str], mine: frozenset[Words]) -> Iterator[int]:
        if len(spoken) < NEAR_SHORTEST_WORDS * NEAR_SIMILARITY:
            return
        shared = Counter(at for gram in self._grams.keys() & mine for at in self._grams[gram])
        for at, common in shared.items():
            either = len(mine) + len(self._texts[at].grams) - common
            if common >= NEAR_SIMILARITY * either:
                yield at


def grams(spoken: Sequence[str]) -> frozenset[Words]:
    """Return the word 3-grams of a turn."""
    return frozenset(_shifted(spoken, NEAR_GRAM_WORDS))


def jaccard(left: frozenset[Words], right: frozenset[Words]) -> float:
    """Return the share of 3-grams that both have, of all that either has; 0 for two turns without any."""
    either = len(left | right)
    return len(left & right) / either if either else 0.0


def _shifted(spoken: Sequence[str], count: int) -> Iterable[Words]:
    return zip(*(spoken[shift:] for shift in range(count)), strict=False)
