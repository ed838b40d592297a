"""The card of a mix: what is in it, by language, and what it shares with the benchmark."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.lib.data.contamination import Benchmark, Hit
from jobs.lib.data.forms import id_key
from jobs.lib.data.selection import Selection
from jobs.lib.data.token_sets import TokenSet
from polyglot.spec.params import MixParams

MAX_LISTED = 1000  # ids or matches that a card lists; the counts beside them are always complete


@dataclass(kw_only=True)
class Tally:
    """One language's part of a mix, counted row by row."""

    token_set: TokenSet
    cut: frozenset[str] = frozenset()  # ids of rows that were cut at max_tokens
    rows: int = 0
    truncated: int = 0
    tokens: int = 0
    loss_tokens: int = 0
    answers: int = 0  # assistant turns
    characters: int = 0  # of assistant turns
    words: int = 0  # of assistant turns, split at white space
    hits: set[Hit] | None = field(default=None)  # None: no benchmark was given

    def add(self, row: Mapping[str, Any], benchmark: Benchmark | None) -> None:
        """Count one chosen row."""
        number = self.token_set.rows[id_key(row["id"])]
        self.rows += 1
        self.truncated += id_key(row["id"]) in self.cut
        self.tokens += self.token_set.tokens[number]
        self.loss_tokens += self.token_set.loss_tokens[number]
        for turn in row["turns"][1::2]:
            self.answers += 1
            self.characters += len(turn["content"])
            self.words += len(turn["content"].split())
        if benchmark is not None:
            self.hits = (self.hits or set()) | benchmark.hits(row)

    def fertility(self) -> dict[str, Any]:
        """Tokens per character and per word of the answers; the one EOS of each answer is not counted."""
        text_tokens = self.loss_tokens - self.answers
        return {
            "characters": self.characters,
            "words": self.words,
            "tokens_per_character": round(text_tokens / self.characters, 4) if self.characters else None,
            "tokens_per_word": round(text_tokens / self.words, 4) if self.words else None,
        }


def describe(params: MixParams, selection: Selection, tallies: Mapping[str, Tally]) -> dict[str, Any]:
    """Return the card's document."""
    loss = sum(tally.loss_tokens for tally in tallies.values())
    return {
        "mix": params.mix,
        "languages": list(params.languages),
        "form": "sampled" if params.sampled else "parallel",
        "draw": params.draw,
        "size": params.size,
        "ids": selection.ids,
        "ids_available": selection.available,
        "rows": {language: tally.rows for language, tally in tallies.items()},
        "tokens": {language: tally.tokens for language, tally in tallies.items()},
        "loss_tokens": {language: tally.loss_tokens for language, tally in tallies.items()},
        "truncated": {language: tally.truncated for language, tally in tallies.items()},
        "loss_token_shares": {
            language: round(tally.loss_tokens / loss, 4) if loss else None for language, tally in tallies.items()
        },
        "fertility": {language: tally.fertility() for language, tally in tallies.items()},
        "left_out": {
            reason: {"count": len(ids), "ids": ids[:MAX_LISTED]} for reason, ids in selection.left_out.items()
        },
        "contamination": contamination([tally.hits for tally in tallies.values()]),
    }


def contamination(found: list[set[Hit] | None]) -> dict[str, Any] | None:
    """Return the matches with the benchmark, counted and listed; None when no benchmark was given."""
    if all(hits is None for hits in found):
        return None
    hits = sorted(
        {hit for some in found for hit in some or ()},
        key=lambda hit: (hit.kind, hit.question_id, hit.question_language, hit.row_id, hit.row_language),
    )
    return {
        "exact": sum(hit.kind == "exact" for hit in hits),
        "overlap": sum(hit.kind == "overlap" for hit in hits),
        "questions": len({hit.question_id for hit in hits}),
        "rows": len({(hit.row_id, hit.row_language) for hit in hits}),
        "matches": [
            {
                "kind": hit.kind,
                "row": f"{hit.row_id}:{hit.row_language}",
                "question": f"{hit.question_id}:{hit.question_language}",
            }
            for hit in hits[:MAX_LISTED]
        ],
    }
