"""A published mix: one file of rows in several languages, used as it is, by finding each of its rows in the data set.

The ingest of such a file writes `published.jsonl`, a row a record in the file's order: {"line", "id" | null, "digest"}.
A mix matches digests with those of the data set's rows. A record is of the row with equal turns; where several ids of
one language have them, of the record's own id, else of the first that no earlier record took.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.ingest import sources
from jobs.ingest.adapters import Adapter
from jobs.lib.context import Context
from jobs.lib.rows import content
from jobs.lib.rows.content import MAX_LISTED
from jobs.lib.rows.forms import Reject, id_key, json_line, text_fault
from jobs.mix.selection import Pair
from polyglot.core.canonical import canonical
from polyglot.core.errors import Permanent
from polyglot.kinds.params import IngestParams

EVERY = "*"  # the place of a mixed file in parameters where others stand by language


def digest(turns: Sequence[str]) -> str:
    """Return `content.digest` of the turns, as the 32 hex digits of a file."""
    return content.digest(turns).hex()


def write_digests(params: IngestParams, adapter: Adapter, context: Context) -> None:
    """Write published.jsonl of a mixed file, rejected.jsonl with the records that have no turns, and card.json."""
    lines = 0
    reasons: Counter[str] = Counter()
    with (
        (context.out / "published.jsonl").open("w", encoding="utf-8", newline="\n") as found,
        (context.out / "rejected.jsonl").open("w", encoding="utf-8", newline="\n") as rejected,
    ):
        for document in sources.documents(params, EVERY, context):
            for record in document.records:
                if record.note is not None:
                    continue
                try:
                    if record.reason is not None or not isinstance(record.value, Mapping):
                        raise Reject(record.reason or "wrong-type")
                    draft = adapter(record.value)
                    for text in draft.turns:
                        if fault := text_fault(text):
                            raise Reject(fault)
                except Reject as reject:
                    reasons[reject.reason] += 1
                    row = {"file": document.name, "line": record.line, "reason": reject.reason}
                    rejected.write(json_line(row))
                    continue
                lines += 1
                found.write(json_line({"line": record.line, "id": draft.id, "digest": digest(draft.turns)}))
            context.raise_if_stopping()
    if not lines:
        raise Permanent(f"published mix: no record was accepted: {dict(reasons) or 'no record at all'}")
    card: dict[str, Any] = {
        "what": "published",
        "languages": {},
        "records": lines,
        "rejected": dict(sorted(reasons.items())),
    }
    (context.out / "card.json").write_bytes(canonical(card))
    context.metrics["rows"] = lines


@dataclass(kw_only=True)
class Matches:
    """The pairs of a published file in its order, and the lines of records that are no pair of the mix."""

    pairs: list[Pair] = field(default_factory=list)
    unmatched: list[int] = field(default_factory=list)  # no row of the data set has these turns
    ambiguous: list[int] = field(default_factory=list)  # rows of several languages have them
    outside: list[int] = field(default_factory=list)  # of a language that the mix lacks
    repeats: list[int] = field(default_factory=list)  # of a pair that an earlier record is of; they stay in the mix
    records: int = 0

    def document(self, languages: Sequence[str], ids: Collection[str]) -> dict[str, Any]:
        """The card's entry. A partition has each of `ids`, those that every language of the mix has, exactly once."""
        names = [name for name, _ in self.pairs]
        once = len(names) == len(set(names))
        return {
            "records": self.records,
            "partition": once and set(names) == set(ids),
            "parallel": len(self.pairs) == len(set(self.pairs)) == len(languages) * len(set(names)),
            "ids_lacking": len(set(ids).difference(names)),
            **{
                name: {"count": len(lines), "lines": lines[:MAX_LISTED]}
                for name in ("unmatched", "ambiguous", "outside", "repeats")
                for lines in (getattr(self, name),)
            },
        }


def match(
    records: Iterable[Mapping[str, Any]], rows: Mapping[str, Iterable[Mapping[str, Any]]], languages: Sequence[str]
) -> Matches:
    """Match the records of published.jsonl with `rows`, the data set's rows by language."""
    places: dict[str, list[Pair]] = {}
    for language, some in rows.items():
        for row in some:
            key = digest(content.texts_of(row))
            places.setdefault(key, []).append((id_key(row["id"]), language))
    found = Matches()
    taken: set[Pair] = set()
    for record in records:
        found.records += 1
        pairs = places.get(record["digest"], [])
        own = [pair for pair in pairs if record["id"] is not None and pair[0] == id_key(record["id"])]
        pairs = own or pairs
        if not pairs:
            found.unmatched.append(record["line"])
        elif len({language for _, language in pairs}) > 1:
            found.ambiguous.append(record["line"])
        elif pairs[0][1] not in languages:
            found.outside.append(record["line"])
        else:
            pair = next((pair for pair in pairs if pair not in taken), pairs[0])
            if pair in taken:
                found.repeats.append(record["line"])
            taken.add(pair)
            found.pairs.append(pair)
    return found
