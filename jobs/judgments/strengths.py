"""Strengths of the models in a file, by judge: Bradley and Terry, with ties and without, and who is told apart.

All rows count alike, repeats too. Questions are what is resampled. Files that tell both orders have a first slot.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from jobs.judgments.figures import figure
from jobs.judgments.pairs import outcome_of
from jobs.judgments.votes import group_of
from jobs.lib.stats.clusters import LEVEL
from jobs.lib.stats.strengths.field import Field
from jobs.lib.stats.strengths.fit import strengths
from jobs.lib.stats.strengths.games import Game, Games, Resampling
from jobs.lib.stats.strengths.games import outcome_of as slot_outcome
from jobs.lib.stats.strengths.standings import comparable, standings
from polyglot.exchange.read import ReadFile
from polyglot.exchange.rows import SAID, TURNED, Exchanged, PairJudgment, Winner
from polyglot.exchange.summary import ModelGap, ModelStrength, StrengthTable

MOST_JUDGES = 20  # that have tables, those of most games: voters of an arena are thousands
MOST_WEIGHTS = 2**24  # resamples x questions; of more questions there are fewer resamples
MOST_FAILED = 0.05  # share of a model's pairs; beyond it the model is not ranked
_HERE = ["here"]  # all of a file is one language


def strengths_in(found: ReadFile[Exchanged], people: Sequence[str], resamples: int) -> Iterator[StrengthTable]:
    """A table for each judge (or group of people), and one without ties where there are any."""
    judges: dict[str, list[list[Game]]] = {}
    failed: dict[str, Counter[str]] = {}
    models: dict[str, dict[str, None]] = {}
    for one in found.rows:
        outcome = outcome_of(one.row)
        if outcome is None:
            continue
        judge = group_of(outcome.judge, people)
        models.setdefault(judge, {}).update(dict.fromkeys(outcome.models))
        if outcome.winner == "error":
            failed.setdefault(judge, Counter()).update(outcome.models)
        else:
            judges.setdefault(judge, []).append(_games(one.row, outcome.question, outcome.models, outcome.winner))
    most = sorted(judges, key=lambda judge: -len(judges[judge]))[:MOST_JUDGES]
    for judge, rows in ((judge, rows) for judge, rows in judges.items() if judge in most):
        games = [game for row in rows for game in row]
        of_two = any(len(row) == 2 for row in rows)
        asked = tuple(models[judge]), failed.get(judge, Counter())
        resampling = _resampling(games, resamples)
        for ties in (True, False) if any(game.outcome == "tie" for game in games) else (True,):
            yield _table(found.name, judge, games, *asked, resampling, ties=ties, slot=of_two)


def _resampling(games: Sequence[Game], resamples: int) -> Resampling:
    questions = {game.question for game in games}
    return Resampling.of(questions, resamples=min(resamples, max(500, MOST_WEIGHTS // len(questions))))


def _games(row: Exchanged, question: str, models: tuple[str, str], winner: Winner) -> list[Game]:
    """One an order, where they are told."""
    if not isinstance(row, PairJudgment):
        return [Game(question, *models, slot_outcome(SAID[winner]))]
    said = (SAID[row.g1_winner], SAID[TURNED[row.g2_winner]])
    shown = (models, (models[1], models[0]))
    return [Game(question, *pair, slot_outcome(one)) for pair, one in zip(shown, said, strict=True)]


def _table(
    file: str,
    judge: str,
    rows: Sequence[Game],
    models: Sequence[str],
    failed: Counter[str],
    resampling: Resampling,
    *,
    ties: bool,
    slot: bool,
) -> StrengthTable:
    games = Games.of(rows, models, resampling.ids)
    fit = strengths(games, resampling, ties=ties, slot=slot)
    field = Field(models=tuple(models), fits={(_HERE[0], None): fit}, freedom=resampling.freedom)
    of = Counter(name for game in rows for name in (game.first, game.second))
    counted = Counter(name for game in rows if ties or game.outcome != "tie" for name in (game.first, game.second))
    orders = 2 if slot else 1
    ranked = [
        place for place, name in enumerate(models) if failed[name] <= MOST_FAILED * (failed[name] + of[name] / orders)
    ]
    found = standings(field, comparable(field), _HERE, LEVEL, ranked)
    return StrengthTable(
        file=file,
        judge=judge,
        ties=ties,
        first_slot=figure(field.other("first_slot", _HERE, LEVEL)) if slot else None,
        models=tuple(
            ModelStrength(
                model=models[row.model],
                strength=figure(row.strength),
                letters=row.letters,
                games=counted[models[row.model]],
                failed=failed[models[row.model]],
            )
            for row in found.models
        ),
        gaps=tuple(
            ModelGap(first=models[pair.first], second=models[pair.second], gap=figure(pair.gap), apart=pair.apart)
            for pair in found.pairs
        ),
    )
