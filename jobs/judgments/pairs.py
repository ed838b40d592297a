"""Pairs: who wins, as FastChat's show_result prints it, and how far a judge goes by the order.

A row is a game in both orders (FastChat's pair judgments), a vote or an annotation, whose order nobody tells. The word
"inconsistent" of a vote says that both orders were asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs.judgments.figures import counted
from jobs.judgments.votes import group_of
from jobs.lib.stats.clusters import Clusters, share
from jobs.lib.stats.pairwise import Orders, order_bias
from jobs.lib.stats.votes import Vote as Counting
from polyglot.exchange.read import ReadFile
from polyglot.exchange.rows import SAID, TURNED, Annotation, Exchanged, PairJudgment, Vote, Winner, name_of
from polyglot.exchange.summary import OrderRow, PairRow

_VOTED: dict[str, Winner] = {"model_a": "model_1", "model_b": "model_2", "error": "error"}
INCONSISTENT = "inconsistent"  # in the word of a vote that is a tie as its orders contradict each other


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One row: who judged which two models on what, and who won."""

    judge: str
    question: str
    turn: int
    sample: int
    models: tuple[str, str]
    winner: Winner


@dataclass(frozen=True, slots=True, kw_only=True)
class Voted:
    """A vote, and the file that has it."""

    file: str
    vote: Counting


def outcome_of(row: Exchanged) -> Outcome | None:
    """What a row says; None of one that compares nothing."""
    if isinstance(row, PairJudgment):
        models, place = (row.model_1, row.model_2), (str(row.question_id), row.turn, row.sample)
        return _outcome(row.judge_name, place, models, row.winner)
    if isinstance(row, Vote):
        winner = _VOTED.get(row.winner, "tie")
        return _outcome(name_of(row.judge), (str(row.question_id), row.turn, 0), (row.model_a, row.model_b), winner)
    if isinstance(row, Annotation):
        turn = row.turn if isinstance(row.turn, int) else 1
        return _outcome(row.judge_name, (row.instruction, turn, 0), (row.model_1, row.model_2), row.winner)
    return None


def _outcome(judge: str, place: tuple[str, int, int], models: tuple[str, str], winner: Winner) -> Outcome:
    question, turn, sample = place
    return Outcome(judge=judge, question=question, turn=turn, sample=sample, models=models, winner=winner)


def votes_in(found: ReadFile[Exchanged]) -> Iterator[Voted]:
    """A vote for each row with a result, on the first answers alone, as compute_agreement takes them."""
    for one in found.rows:
        row = outcome_of(one.row)
        if row is not None and row.winner != "error" and row.sample == 0:
            vote = Counting(
                judge=row.judge,
                question=row.question,
                turn=row.turn,
                model_a=row.models[0],
                model_b=row.models[1],
                winner=SAID[row.winner] or "",
            )
            yield Voted(file=found.name, vote=vote)


def pairs_in(found: ReadFile[Exchanged], people: Sequence[str]) -> Iterator[PairRow]:
    """A row for each judge (or group of people) and model."""
    rows = [(one.at, outcome) for one in found.rows if (outcome := outcome_of(one.row)) is not None]
    again = {repeat.at for repeat in found.repeats}
    for judge in dict.fromkeys(group_of(row.judge, people) for _, row in rows):
        own = [(at, row) for at, row in rows if group_of(row.judge, people) == judge]
        for model in dict.fromkeys(name for _, row in own for name in row.models):
            mine = [(at, row) for at, row in own if model in row.models]
            scored = [row for _, row in mine if row.winner != "error"]
            points = [_points(row, model) for row in scored]
            yield PairRow(
                file=found.name,
                judge=judge,
                model=model,
                wins=points.count(1.0),
                losses=points.count(0.0),
                ties=points.count(0.5),
                failed=len(mine) - len(scored),
                repeats=sum(at in again for at, _ in mine),
                rate=counted(share(Clusters.by([row.question for row in scored]), points)),
            )


def _points(row: Outcome, model: str) -> float:
    if row.winner == "tie":
        return 0.5
    return 1.0 if row.models[0 if row.winner == "model_1" else 1] == model else 0.0


def orders_in(found: ReadFile[Exchanged], people: Sequence[str]) -> Iterator[OrderRow]:
    """A row for each judge (or group of people) of pairs."""
    again = {repeat.at for repeat in found.repeats}
    judges: dict[str, list[tuple[int, Exchanged, Outcome]]] = {}
    for one in found.rows:
        outcome = outcome_of(one.row)
        if outcome is not None:
            judges.setdefault(group_of(outcome.judge, people), []).append((one.at, one.row, outcome))
    for judge, rows in judges.items():
        repeats = sum(at in again for at, _, _ in rows)
        games = [row for _, row, _ in rows if isinstance(row, PairJudgment)]
        if games:
            yield _of_games(found.name, judge, games, repeats)
        else:
            yield _of_votes(found.name, judge, [(row, outcome) for _, row, outcome in rows], repeats)


def _of_games(file: str, judge: str, games: Sequence[PairJudgment], repeats: int) -> OrderRow:
    orders = Orders.of_slots(
        [str(row.question_id) for row in games],
        [SAID[row.g1_winner] for row in games],
        [SAID[TURNED[row.g2_winner]] for row in games],
    )
    bias = order_bias(orders)
    return OrderRow(
        file=file,
        judge=judge,
        pairs=len(games),
        failed=bias.verdicts_failed,
        repeats=repeats,
        inconsistent=counted(bias.inconsistent),
        first=counted(bias.first),
    )


def _of_votes(file: str, judge: str, rows: Sequence[tuple[Exchanged, Outcome]], repeats: int) -> OrderRow:
    """Of votes it is known where their ties say it."""
    scored = [(row, outcome) for row, outcome in rows if outcome.winner != "error"]
    said = [isinstance(row, Vote) and INCONSISTENT in row.winner for row, _ in scored]
    clusters = Clusters.by([outcome.question for _, outcome in scored])
    return OrderRow(
        file=file,
        judge=judge,
        pairs=len(rows),
        failed=len(rows) - len(scored),
        repeats=repeats,
        inconsistent=counted(share(clusters, said)) if any(said) else None,
        first=None,
    )
