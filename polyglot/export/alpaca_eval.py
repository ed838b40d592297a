"""Comparisons as AlpacaEval's annotations: `alpaca_eval_<LANG>/annotations.json`, an item for each turn.

AlpacaEval knows conversations of one turn. The instruction of a later turn is what the user said until then, a blank
line between the turns, its outputs are the answers to that turn, and `turn` says which it is. Orders that contradict
each other and "both-bad" are draws, 1.5; a pair without a verdict has no preference. A comparison of whole
conversations (of others, turn 0) has all turns on both sides.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from polyglot.exchange.rows import Annotation
from polyglot.exchange.write import file_name, write_rows
from polyglot.export.selection import Wanted
from polyglot.export.tables import pairs_of
from polyglot.export.taken import Taken, taken_of
from polyglot.kinds.answer import Answer, Place, texts_by_place
from polyglot.kinds.compare import CompareCard, PairVerdict
from polyglot.kinds.reliability import CellPair
from polyglot.plan.plan import Plan
from polyglot.store.store import Store

_PREFERENCE = {"first": 1.0, "second": 2.0, "tie": 1.5, "both-bad": 1.5, None: None}


def write_annotations(store: Store, plan: Plan, wanted: Sequence[Wanted], to: Path) -> Iterator[Path]:
    """Write a file for each language and yield it. Raises as `write_rows`, and NotComputed."""
    cells = pairs_of(plan)
    with taken_of(store, plan, to) as taken:
        for language in taken.languages(wanted):
            rows = [row for one in wanted for row in _annotations(taken, one, cells[one.name], language)]
            yield write_rows(to / f"alpaca_eval_{language}" / "annotations.json", rows)


def _annotations(taken: Taken, one: Wanted, cells: CellPair, language: str) -> Iterator[Annotation]:
    asked = taken.questions(one.planned, language)
    first, second = (_texts(taken, one, role, language) for role in ("first", "second"))
    judge = taken.card(one.planned, CompareCard).model
    for row in taken.rows(one.planned, one.folder, language, PairVerdict):
        said = asked[row.id].turns
        turns = (row.turn,) if row.turn else range(1, len(said) + 1)
        places = [(row.id, row.sample, turn) for turn in turns]
        yield Annotation(
            instruction="\n\n".join(said[: turns[-1]]),
            output_1="\n\n".join(first.get(place, "") for place in places),
            output_2="\n\n".join(second.get(place, "") for place in places),
            generator_1=file_name(cells.first),
            generator_2=file_name(cells.second),
            annotator=judge,
            preference=_PREFERENCE[row.outcome],
            turn=row.turn,
            stage=one.planned.key,
        )


def _texts(taken: Taken, one: Wanted, role: str, language: str) -> dict[Place, str]:
    source = taken.input(one.planned, role)
    return {} if source is None else texts_by_place(taken.rows(source, "answers/", language, Answer))
