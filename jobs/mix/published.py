"""The rows of a published mix, found in its data set by their content."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.lib.rows.by_id import id_key
from jobs.lib.rows.content import MAX_LISTED, content_key
from jobs.mix.selection import Pair
from polyglot.kinds.ingest import PublishedRow
from polyglot.kinds.mix import Lines, PublishedMatch
from polyglot.kinds.rows import Row


@dataclass(kw_only=True)
class Matches:
    """The pairs of a published file in its order, and the lines of records that are no pair of the mix."""

    pairs: list[Pair] = field(default_factory=list)
    unmatched: list[int] = field(default_factory=list)  # no row of the data set has these turns
    ambiguous: list[int] = field(default_factory=list)  # rows of several languages have them
    outside: list[int] = field(default_factory=list)  # of a language that the mix lacks
    repeats: list[int] = field(default_factory=list)  # of a pair that an earlier record is of; they stay in the mix
    records: int = 0

    def card(self, languages: Sequence[str], ids: Collection[str]) -> PublishedMatch:
        """The card's entry. A partition has each of `ids`, those that every language of the mix has, exactly once."""
        names = [name for name, _ in self.pairs]
        once = len(names) == len(set(names))
        return PublishedMatch(
            records=self.records,
            partition=once and set(names) == set(ids),
            parallel=len(self.pairs) == len(set(self.pairs)) == len(languages) * len(set(names)),
            ids_lacking=len(set(ids).difference(names)),
            unmatched=_lines(self.unmatched),
            ambiguous=_lines(self.ambiguous),
            outside=_lines(self.outside),
            repeats=_lines(self.repeats),
        )


def _lines(found: Sequence[int]) -> Lines:
    return Lines(count=len(found), lines=tuple(found[:MAX_LISTED]))


def match(records: Iterable[PublishedRow], rows: Mapping[str, Iterable[Row]], languages: Sequence[str]) -> Matches:
    """Match the records of published.jsonl with `rows`, the data set's rows by language."""
    places: dict[str, list[Pair]] = {}
    for language, some in rows.items():
        for row in some:
            key = content_key(row.texts)
            places.setdefault(key, []).append((id_key(row.id), language))
    found = Matches()
    taken: set[Pair] = set()
    for record in records:
        found.records += 1
        pairs = places.get(record.digest, [])
        own = [pair for pair in pairs if record.id is not None and pair[0] == id_key(record.id)]
        pairs = own or pairs
        if not pairs:
            found.unmatched.append(record.line)
        elif len({language for _, language in pairs}) > 1:
            found.ambiguous.append(record.line)
        elif pairs[0][1] not in languages:
            found.outside.append(record.line)
        else:
            pair = next((pair for pair in pairs if pair not in taken), pairs[0])
            if pair in taken:
                found.repeats.append(record.line)
            taken.add(pair)
            found.pairs.append(pair)
    return found
