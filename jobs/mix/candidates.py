"""What a mix needs to know about one language's token set: which id lies in which row, and what each row counts."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.lib.rows.by_id import id_key
from polyglot.core.errors import Permanent
from polyglot.core.records import read
from polyglot.kinds.tokenize import TokenCard

if TYPE_CHECKING:
    from jobs.lib.token_set import Counts

COUNTS = ("tokens", "loss_tokens", "characters", "words", "answers")  # the first is the length, the others are columns
SHORT_REASONS = ("over-long", "nothing-supervised")  # other reasons are sentences, and stay in the token set's card


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The rows of one language that a mix may take.

    `rows` maps an id (NFC) to its row number, `counts` holds an array a name of COUNTS, a value a row: characters,
    words (at white space) and number are those of the answers. `truncated` are the numbers of rows that were cut;
    `dropped` maps ids without a row to why.
    """

    language: str
    rows: dict[str, int]
    counts: "dict[str, Counts]"
    truncated: frozenset[int] = frozenset()
    dropped: dict[str, str]

    @property
    def accepted(self) -> int:
        """Rows that the data set has in this language, those without tokens included."""
        return len(self.rows) + len(self.dropped)


def read_candidates(path: Path, card: Path, language: str) -> Candidates:
    """Read ids and counts of a token set; token ids stay memory-mapped and untouched.

    Raises Permanent for an id that occurs twice, and for a row whose loss mask has another length than its tokens.
    """
    from jobs.lib.token_set import TokenSet

    tokens = TokenSet(path, f"tokens of {language}")
    ids = list(map(id_key, tokens.names()))
    rows = {name: number for number, name in enumerate(ids)}
    if len(rows) < len(ids):
        twice = next(name for number, name in enumerate(ids) if rows[name] != number)
        raise Permanent(f"tokens of {language}: id {twice!r} occurs twice")
    said = read(card, TokenCard)
    dropped = {id_key(row.id): row.reason for row in said.dropped}
    return Candidates(
        language=language,
        rows=rows,
        counts={"tokens": tokens.lengths} | {name: tokens.column(name) for name in COUNTS[1:]},
        truncated=frozenset(rows[name] for row in said.truncated if (name := id_key(row.id)) in rows),
        dropped={name: reason if reason in SHORT_REASONS else "no-tokens" for name, reason in dropped.items()},
    )
