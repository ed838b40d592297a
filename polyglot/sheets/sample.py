"""Which turns a sheet shows: the same source turns in every translation of them, spread over categories, in an order
and under numbers that tell nothing of where they come from. Equal arguments give equal sheets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict

from polyglot.core.canonical import digest
from polyglot.core.errors import BadInput
from polyglot.sheets.order import rank, spread
from polyglot.sheets.rubric import FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of one translation. `of` is equal for translations of the same source rows."""

    check: str
    of: str
    id: str
    turn: int
    category: str
    languages: str  # "EN to ES"
    source: str
    translation: str


class KeyItem(TypedDict):
    """What one item of a sheet is; `texts` is the digest of what is shown."""

    item: int
    check: str
    id: str
    turn: int
    category: str
    texts: str


class SheetKey(TypedDict):
    """What tells which translation an item is, as JSON."""

    format: int
    seed: int
    rows: int
    most_characters: int
    items: list[KeyItem]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """`items` are the turns in the order of the form, numbered from 1; `key` is what raters must not see."""

    id: str
    items: tuple[Turn, ...]
    key: SheetKey


def draw(turns: Iterable[Turn], *, rows: int, seed: int, most_characters: int) -> Sheet:
    """Draw `rows` source turns for each set of rival translations, and blind them. Raises BadInput without enough."""
    groups: dict[str, dict[tuple[str, int], list[Turn]]] = {}
    checks: dict[str, dict[str, None]] = {}
    for turn in turns:
        groups.setdefault(turn.of, {}).setdefault((turn.id, turn.turn), []).append(turn)
        checks.setdefault(turn.of, {})[turn.check] = None
    drawn: list[Turn] = []
    for of, by_turn in groups.items():
        whole = [
            found
            for found in by_turn.values()
            if len(found) == len(checks[of]) and all(_length(turn) <= most_characters for turn in found)
        ]
        if len(whole) < rows:
            raise BadInput(
                "not enough turns to draw from",
                where=f"sheet of {', '.join(checks[of])}",
                got=f"{len(whole)} that all of them have in {most_characters} characters or less",
                expected=f"{rows} rows",
                remedy="Lower --rows, or raise --most-characters",
            )
        drawn += [turn for found in spread(whole, _category, _name, seed)[:rows] for turn in found]
    drawn.sort(key=lambda turn: rank(seed, f"order {turn.check} {turn.id} {turn.turn}"))
    items: list[KeyItem] = [
        {
            "item": number,
            "check": turn.check,
            "id": turn.id,
            "turn": turn.turn,
            "category": turn.category,
            "texts": digest([turn.source, turn.translation]),
        }
        for number, turn in enumerate(drawn, 1)
    ]
    key: SheetKey = {
        "format": FORMAT,
        "seed": seed,
        "rows": rows,
        "most_characters": most_characters,
        "items": items,
    }
    return Sheet(id=digest(key)[:12], items=tuple(drawn), key=key)


def _category(turns: Sequence[Turn]) -> str:
    return turns[0].category


def _name(turns: Sequence[Turn]) -> str:
    return f"{turns[0].id} {turns[0].turn}"


def _length(turn: Turn) -> int:
    return max(len(turn.source), len(turn.translation))
