"""Strengths as they would be if answers were equally long: a doubling of length is a regressor beside the models.

Lengths differ from game to game, so resamples cannot be fitted as tables of counts. Each has one Newton step from the
estimate on all questions, with its own slopes and information: what a full fit would change beyond it is of the third
order. Games whose lengths are not known are left out.
"""

import numpy as np

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.strengths.davidson import Design, Fitted, Tally, fit, held, moments
from jobs.lib.stats.strengths.fit import Strengths, design_rows
from jobs.lib.stats.strengths.games import Games, Resampling


def adjusted(raw: Strengths, resampling: Resampling) -> Strengths | None:
    """The same games with their lengths; None where no game has any."""
    games = raw.games.only(~np.isnan(raw.games.doublings))
    inside = games.only(raw.order[games.first, games.second] == 0)
    if not len(inside.question):
        return None
    rows, _ = design_rows(inside, slot=raw.slot, length=True)
    design = Design(rows=rows, together=np.where(raw.order == 0, 1.0, 0.0), ties=raw.ties)
    tally = _one_each(inside)
    point = fit(tally, design, examined=True)
    slopes, information = _by_question(inside, design, point.found)
    size = design.rows.shape[1] + 1
    moved = (resampling.weights @ information.reshape(len(information), -1)).reshape(-1, size, size)
    step = np.linalg.solve(moved + held(design, tally), (resampling.weights @ slopes)[:, :, None])[:, :, 0]
    none = np.arange(0)
    draws = Fitted(found=point.found + step, odd=none, gaps=point.gaps[none], others=point.others[none])
    return Strengths(games=games, point=point, draws=draws, order=raw.order, slot=raw.slot, ties=raw.ties)


def _one_each(games: Games) -> Tally:
    """One table in which every game is of a kind of its own."""
    counts = np.zeros((3, 1, len(games.outcome)))
    counts[games.outcome, 0, np.arange(len(games.outcome))] = games.weight
    return Tally.of(counts)


def _by_question(games: Games, design: Design, found: Floats) -> tuple[Floats, Floats]:
    """Slopes (Q, P + 1) and information (Q, P + 1, P + 1) of each question at one place."""
    size = design.rows.shape[1] + 1
    slopes, information = np.zeros((len(games.ids), size)), np.zeros((len(games.ids), size, size))
    order = np.argsort(games.question, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(games.question[order])) + 1):
        part = Design(rows=design.rows[own], together=design.together, ties=design.ties)
        here = moments(found, _one_each(games.only(own)), part)
        question = games.question[own[0]]
        slopes[question], information[question] = here.slopes[0], here.information[0]
    return slopes, information
