"""Which answers a sheet shows: the same questions in every language, spread over categories; for each rater and
language in an order and on sides of their own, under numbers that tell no model. Equal arguments give equal sheets.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from polyglot.core.canonical import digest
from polyglot.core.errors import BadInput
from polyglot.kinds.rows import Question
from polyglot.sheets.order import rank, spread

What = Literal["pairs", "single"]
FORMAT = 1
OF = "answers"  # what a key says that is not of translations
Texts = Callable[[str, str, str], tuple[str, ...] | None]  # (cell, language, question) -> turns; None: not whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One item: what is asked, and each side's answers, turn by turn. `cells` has one name, or two: A and B."""

    id: str
    category: str
    cells: tuple[str, ...]
    asked: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]


class AnswerKeyItem(TypedDict):
    """What one item of a sheet is; `texts` is the digest of what is shown."""

    item: int
    id: str
    category: str
    cells: list[str]
    texts: str


class AnswerKey(TypedDict):
    """What tells whose answers an item shows, as JSON."""

    format: int
    of: str
    what: What
    language: str
    rater: int
    seed: int
    rows: int
    items: list[AnswerKeyItem]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSheet:
    """The sheet of one rater in one language; `items` are numbered from 1, `key` is what raters must not see."""

    id: str
    what: What
    language: str
    rater: int
    items: tuple[Shown, ...]
    key: AnswerKey

    def name(self, number: int) -> str:
        """What an item is called beyond its sheet, as other tools carry it."""
        return f"{self.id}.{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How sheets are drawn."""

    rows: int  # questions in each language
    seed: int
    raters: int  # sheets in each language
    most_characters: int | None = None  # of a turn; longer answers are not drawn


def draw_answers(
    groups: Sequence[Sequence[tuple[str, ...]]],
    questions: Mapping[str, Sequence[Question]],
    texts: Texts,
    drawing: Drawing,
) -> list[AnswerSheet]:
    """Draw the sheets of every language and rater.

    Each of `groups` is shown once a question: by one of its pairs of cells, or of its single cells, the same one in
    every language and for every rater. Raises BadInput without enough questions that all of them answer whole.
    """
    by_id = {language: {row.id: row for row in rows} for language, rows in questions.items()}
    first = next(iter(by_id.values()))
    category = {identity: row.category for identity, row in first.items()}
    chosen = {
        (identity, place): min(group, key=lambda cells: rank(drawing.seed, f"cells {identity} {place} {cells}"))  # noqa: B023
        for identity in category
        for place, group in enumerate(groups)
    }

    def whole(identity: str) -> bool:
        for language, rows in by_id.items():
            if identity not in rows:
                return False
            for place in range(len(groups)):
                for cell in chosen[identity, place]:
                    found = texts(cell, language, identity)
                    if found is None or len(found) != len(rows[identity].turns):
                        return False
                    if drawing.most_characters is not None and max(map(len, found)) > drawing.most_characters:
                        return False
        return True

    fitting = [identity for identity in category if whole(identity)]
    if len(fitting) < drawing.rows:
        limit = f" in {drawing.most_characters} characters a turn or less" if drawing.most_characters else ""
        raise BadInput(
            "not enough questions to draw from",
            where="sheet of answers",
            got=f"{len(fitting)} that are answered whole in {', '.join(by_id)}{limit}",
            expected=f"{drawing.rows} rows",
            remedy="Lower --rows, or leave out a language or a model",
        )
    drawn = spread(fitting, category.__getitem__, str, drawing.seed)[: drawing.rows]
    return [
        _sheet(drawn, len(groups), chosen, by_id[language], texts, drawing, language, rater)
        for language in by_id
        for rater in range(1, drawing.raters + 1)
    ]


def _sheet(
    drawn: Sequence[str],
    groups: int,
    chosen: Mapping[tuple[str, int], tuple[str, ...]],
    questions: Mapping[str, Question],
    texts: Texts,
    drawing: Drawing,
    language: str,
    rater: int,
) -> AnswerSheet:
    whose = f"{language} {rater}"
    places = [(identity, place) for identity in drawn for place in range(groups)]
    places.sort(key=lambda one: rank(drawing.seed, f"side {whose} {one}"))
    turned = set(places[: len(places) // 2])  # as often on the one side as on the other
    items = []
    for place in sorted(places, key=lambda one: rank(drawing.seed, f"order {whose} {one}")):
        cells = chosen[place][::-1] if place in turned else chosen[place]
        row = questions[place[0]]
        items.append(
            Shown(
                id=row.id,
                category=row.category,
                cells=cells,
                asked=row.turns,
                answers=tuple(texts(cell, language, row.id) or () for cell in cells),
            )
        )
    what: What = "pairs" if len(items[0].cells) > 1 else "single"
    key: AnswerKey = {
        "format": FORMAT,
        "of": OF,
        "what": what,
        "language": language,
        "rater": rater,
        "seed": drawing.seed,
        "rows": drawing.rows,
        "items": [
            {
                "item": number,
                "id": shown.id,
                "category": shown.category,
                "cells": list(shown.cells),
                "texts": digest([list(shown.asked), [list(turns) for turns in shown.answers]]),
            }
            for number, shown in enumerate(items, 1)
        ],
    }
    return AnswerSheet(id=digest(key)[:12], what=what, language=language, rater=rater, items=tuple(items), key=key)
