"""Lengths, repeats, licences and personal data of one language's texts."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from jobs.lib.text.personal import personal_data
from polyglot.kinds.data_card import LanguageCard, Listed, Placed, Spread
from polyglot.kinds.rows import ROLES, Form


@dataclass(slots=True)
class Lengths:
    """Counts of lengths; lengths above 4,096 are kept to 1 part in 64, which is exact enough for a card."""

    counts: Counter[int] = field(default_factory=Counter)
    total: int = 0
    number: int = 0
    highest: int = 0

    def add(self, length: int) -> None:
        """Count one length."""
        self.total += length
        self.number += 1
        self.highest = max(self.highest, length)
        step = 1 << max(0, length.bit_length() - 12)
        self.counts[length - length % step] += 1

    def spread(self) -> Spread:
        """Return mean, median, 95th percentile and maximum; the percentiles by nearest rank."""
        if not self.number:
            return Spread(mean=0.0, median=0, p95=0, max=0)
        mean = round(self.total / self.number, 2)
        return Spread(mean=mean, median=self._at(0.5), p95=self._at(0.95), max=self.highest)

    def _at(self, share: float) -> int:
        rank, seen = share * self.number, 0
        for length in sorted(self.counts):
            seen += self.counts[length]
            if seen >= rank:
                return length
        return self.highest


MAX_LISTED = 1000  # ids that a card lists per language and finding; counts are always complete
AMBIGUOUS = (  # the rule, word for word as the card shows it
    "Rows whose first turn is that of an earlier row, letter for letter, and whose other turns are not: an instruction "
    "that means nothing on its own, such as a heading, gets other answers elsewhere."
)


@dataclass(kw_only=True)
class Content:
    """What one language holds. A repeated row equals an earlier one in all its turns, by SHA-256.

    Words are what white space separates. Personal data are counted by kind and placed as "<id>:<turn>", turns counted
    from 1; the text itself is never in the card.
    """

    language: str
    characters: dict[str, Lengths] = field(default_factory=lambda: {role: Lengths() for role in ROLES})
    words: dict[str, Lengths] = field(default_factory=lambda: {role: Lengths() for role in ROLES})
    licences: Counter[str] = field(default_factory=Counter)
    personal: Counter[str] = field(default_factory=Counter)
    personal_places: dict[str, list[str]] = field(default_factory=dict)
    repeated_rows: list[str] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)  # ids, as AMBIGUOUS says
    repeated_answers: int = 0
    _rows: set[bytes] = field(default_factory=set)
    _answers: set[bytes] = field(default_factory=set)
    _instructions: set[bytes] = field(default_factory=set)

    def add(self, row: Form) -> bool:
        """Count one row, question or reference in the normal form; False when it repeats an earlier one."""
        spoken = list(row.spoken)
        self.licences[row.licence] += 1
        for number, (role, text) in enumerate(spoken, 1):
            self.characters[role].add(len(text))
            self.words[role].add(len(text.split()))
            for kind, found in personal_data(text, self.language).items():
                self.personal[kind] += found
                self.personal_places.setdefault(kind, []).append(f"{row.id}:{number}")
        whole = digest(text for _, text in spoken)
        repeated = whole in self._rows
        if repeated:
            self.repeated_rows.append(row.id)
        self._rows.add(whole)
        if spoken[0][0] == "user":
            instruction = digest([spoken[0][1]])
            if instruction in self._instructions and not repeated:
                self.ambiguous.append(row.id)
            self._instructions.add(instruction)
        answer = digest([spoken[-1][1]])
        self.repeated_answers += answer in self._answers
        self._answers.add(answer)
        return not repeated

    def describe(self, card: LanguageCard) -> LanguageCard:
        """The card of the language with what is in its texts."""
        return msgspec.structs.replace(
            card,
            characters={role: lengths.spread() for role, lengths in self.characters.items() if lengths.number},
            words={role: lengths.spread() for role, lengths in self.words.items() if lengths.number},
            licences=dict(sorted(self.licences.items())),
            personal={
                kind: Placed(count=count, where=tuple(self.personal_places[kind][:MAX_LISTED]))
                for kind, count in sorted(self.personal.items())
            },
            repeated_rows=listed(self.repeated_rows),
            ambiguous_instructions=listed(self.ambiguous),
            repeated_last_turns=self.repeated_answers,
        )


def listed(ids: Iterable[str]) -> Listed:
    """Return the count of some ids, and the first of them in order."""
    ordered = sorted(ids)
    return Listed(count=len(ordered), ids=tuple(ordered[:MAX_LISTED]))


def digest(texts: Iterable[str]) -> bytes:
    """Return what equal turns have in common: 16 bytes of their SHA-256, a zero byte between them."""
    return hashlib.sha256("\0".join(texts).encode()).digest()[:16]


def content_key(texts: Iterable[str]) -> str:
    """Return `digest` of the texts as 32 hex digits, for a file."""
    return digest(texts).hex()
