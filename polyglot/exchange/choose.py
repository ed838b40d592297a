"""One model's answers, or the ratings of them, out of a file that may hold those of many.

Where something is there twice the last one counts, as where FastChat reads its own files by question; repeats are named
by the file. What failed stays a failure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from polyglot.core.errors import Permanent
from polyglot.exchange.read import Form, Numbered, ReadFile, read_as
from polyglot.exchange.rows import Exchanged, ModelAnswer, SingleJudgment, name_of

R = TypeVar("R", bound=Exchanged)
Rating = tuple[str, int, int]  # question, sample, turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen(Generic[R]):
    """What a file has of one model: `rows` are all of them, `told` names what is there twice and what failed."""

    model: str
    rows: tuple[Numbered[R], ...]
    told: tuple[str, ...]
    repeats: int
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A model's answers by question."""

    chosen: Chosen[ModelAnswer]
    by_question: Mapping[str, ModelAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """Ratings of a model's answers by one judge."""

    chosen: Chosen[SingleJudgment]
    judge: str
    by_turn: Mapping[Rating, SingleJudgment]


def answers_of(path: Path, name: str, model: str) -> Answered:
    """Read a model's answers; "" is the only one that the file has. Raises Permanent, Findings."""
    chosen = _chosen(path, name, model, ModelAnswer, "answers", "model_id")
    return Answered(chosen=chosen, by_question={str(one.row.question_id): one.row for one in chosen.rows})


def ratings_of(path: Path, name: str, model: str) -> Rated:
    """Read the ratings of a model's answers, which are one judge's. Raises as `answers_of`."""
    chosen = _chosen(path, name, model, SingleJudgment, "single", "model")
    judges = sorted({name_of(one.row.judge) for one in chosen.rows})
    if len(judges) > 1:
        raise Permanent(f"{name}: got ratings of {chosen.model} by {', '.join(judges)}; expected one judge. Split it")
    by_turn = {(str(one.row.question_id), one.row.sample, one.row.turn): one.row for one in chosen.rows}
    return Rated(chosen=chosen, judge=judges[0], by_turn=by_turn)


def _chosen(path: Path, name: str, model: str, kind: type[R], form: Form, field: str) -> Chosen[R]:
    found = read_as(path, name, kind, form)
    models = list(dict.fromkeys(str(getattr(one.row, field)) for one in found.rows))
    if not model and len(models) > 1:
        some = ", ".join(models[:5]) + (", …" if len(models) > 5 else "")
        raise Permanent(f"{name}: got {len(models)} models, {some}; expected one. Name it as `model`")
    wanted = model or models[0]
    if wanted not in models:
        some = ", ".join(models[:5]) + (", …" if len(models) > 5 else "")
        raise Permanent(f"{name}: nothing of the model {wanted}; it has {some}")
    rows = tuple(one for one in found.rows if getattr(one.row, field) == wanted)
    identities = {one.row.identity for one in rows}
    repeats = tuple(one for one in found.repeats if one.identity in identities)
    mine = ReadFile(name=name, form=form, unit=found.unit, rows=rows, repeats=repeats)
    return Chosen(model=wanted, rows=rows, told=tuple(mine.told()), repeats=len(repeats), failures=len(mine.failures))
