"""Strengths as they would be if answers were equally long: a doubling of length is a regressor beside the models.

Lengths differ from game to game, so resamples cannot be fitted as tables of counts. Each has one Newton step from the
estimate on all questions, with its own slopes and information: what a full fit would change beyond it is of the third
order. Games whose lengths are not known are left out.
"""

import numpy as np

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.strengths.davidson import STEADY, Design, Fitted, fit, moments
from jobs.lib.stats.strengths.fit import Strengths, design_rows
from jobs.lib.stats.strengths.games import Games, Places, Resampling


def adjusted(raw: Strengths, resampling: Resampling) -> Strengths | None:
    """The same games with their lengths; None where no game has any."""
    games = raw.games.only(~np.isnan(raw.games.doublings))
    inside = games.only(raw.order[games.first, games.second] == 0)
    if not len(inside.question):
        return None
    rows, kind = design_rows(inside, slot=raw.slot, length=True)
    design = Design(rows=rows, together=np.where(raw.order == 0, 1.0, 0.0), ties=raw.ties)
    counts = np.zeros((len(rows), 3))
    np.add.at(counts, (kind, inside.outcome), inside.weight)
    point = fit(counts[None], design, examined=True)
    slopes, information = _by_question(inside, kind, design, point.found)
    size = design.rows.shape[1] + 1
    held = np.diag(np.where(design.used, 0.0, 1.0)) + STEADY * (1 + counts.sum()) * np.eye(size)
    held[: len(games.models), : len(games.models)] += design.together
    moved = (resampling.weights @ information.reshape(len(information), -1)).reshape(-1, size, size) + held
    step = np.linalg.solve(moved, (resampling.weights @ slopes)[:, :, None])[:, :, 0]
    none = np.arange(0)
    draws = Fitted(found=point.found + step, odd=none, gaps=point.gaps[none], others=point.others[none])
    return Strengths(games=games, point=point, draws=draws, order=raw.order, slot=raw.slot, ties=raw.ties)


def _by_question(games: Games, kind: Places, design: Design, found: Floats) -> tuple[Floats, Floats]:
    """Slopes (Q, P + 1) and information (Q, P + 1, P + 1) of each question at one place."""
    size = design.rows.shape[1] + 1
    slopes, information = np.zeros((len(games.ids), size)), np.zeros((len(games.ids), size, size))
    order = np.argsort(games.question, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(games.question[order])) + 1):
        question = games.question[own[0]]
        counts = np.zeros((1, len(own), 3))
        counts[0, np.arange(len(own)), games.outcome[own]] = games.weight[own]
        part = Design(rows=design.rows[kind[own]], together=design.together, ties=design.ties)
        here = moments(found, counts, part)
        slopes[question], information[question] = here.slopes[0], here.information[0]
    return slopes, information
