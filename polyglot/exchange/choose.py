"""One model's answers, the ratings of them, or comparisons of two models' answers, out of a file that may hold many.

Where something is there twice the last one counts, as where FastChat reads its own files by question; repeats are named
by the file. What failed stays a failure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from polyglot.core.errors import Permanent
from polyglot.exchange.read import Form, Numbered, ReadFile, read_as, read_file
from polyglot.exchange.rows import Annotation, Exchanged, ModelAnswer, PairJudgment, SingleJudgment, name_of

R = TypeVar("R", bound=Exchanged)
Comparison = PairJudgment | Annotation
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Comparisons of two models' answers by one judge; `chosen.model` names both."""

    chosen: Chosen[Comparison]
    judge: str


def answers_of(path: Path, name: str, model: str) -> Answered:
    """Read a model's answers; "" is the only one that the file has. Raises Permanent, Faults."""
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


def read_comparisons(path: Path, name: str) -> ReadFile[Comparison]:
    """Read comparisons of any models. Raises as `answers_of`."""
    found = read_file(path, name)
    if found.form not in ("pairs", "annotations"):
        said = ". Votes of people are read by `polyglot sheet import`" if found.form == "votes" else ""
        raise Permanent(f"{name}: got {found.form}, expected pair judgments or AlpacaEval's annotations{said}")
    return found  # type: ignore[return-value]  # the form says which


def compared_in(found: ReadFile[Comparison], first: str, second: str) -> Compared:
    """Choose what compares two models, whichever is named first; it is one judge's. Raises Permanent."""
    meeting = {first, second}
    rows = tuple(one for one in found.rows if {one.row.model_1, one.row.model_2} == meeting)
    if not rows:
        met = list(dict.fromkeys(" and ".join(sorted((one.row.model_1, one.row.model_2))) for one in found.rows))
        some = ", ".join(met[:5]) + (", …" if len(met) > 5 else "")
        raise Permanent(f"{found.name}: nothing on {first} and {second}; it has {some}. Say who meets as `between`")
    chosen = _kept(found, f"{first} and {second}", rows)
    judges = sorted({one.row.judge_name for one in rows})
    if len(judges) > 1:
        said = f"got comparisons of {chosen.model} by {', '.join(judges)}; expected one judge"
        raise Permanent(f"{found.name}: {said}. Split it")
    return Compared(chosen=chosen, judge=judges[0])


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
    return _kept(found, wanted, tuple(one for one in found.rows if getattr(one.row, field) == wanted))


def _kept(found: ReadFile[R], model: str, rows: tuple[Numbered[R], ...]) -> Chosen[R]:
    """Some rows of a file, with what is to be told of these alone."""
    identities = {one.row.identity for one in rows}
    repeats = tuple(one for one in found.repeats if one.identity in identities)
    mine = ReadFile(name=found.name, form=found.form, unit=found.unit, rows=rows, repeats=repeats)
    return Chosen(model=model, rows=rows, told=tuple(mine.told()), repeats=len(repeats), failures=len(mine.failures))
