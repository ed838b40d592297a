"""Files of others that a study names, read before anything starts as the stages that import them will read them."""

from itertools import combinations
from pathlib import Path

from polyglot.core.section import Place
from polyglot.exchange.choose import answers_of, compared_in, ratings_of, read_comparisons
from polyglot.study.study import Study

IMPORTS = ("baselines", "imported-pairs")  # sections of a study that have such files


def look_at_import(study: Study, place: Place, path: Path, called: str) -> None:
    """Read the file at a place of the study. Raises Permanent, Faults for what the stage would refuse."""
    name, part = str(place[1]), place[2]
    if place[0] == "imported-pairs":
        _look_at_pairs(study, name, path, called)
    elif part in ("answers", "verdicts"):
        (answers_of if part == "answers" else ratings_of)(path, called, study.baselines[name].model)


def _look_at_pairs(study: Study, name: str, path: Path, called: str) -> None:
    """Every two models whose names in files the study says are to be in the file."""
    found = read_comparisons(path, called)
    read = [one for one, baseline in study.baselines.items() if baseline.answers is not None]
    for pair in combinations(study.imported_pairs[name].between or read, 2):
        first, second = (study.baselines[one].model for one in pair)
        if first and second and first != second:
            compared_in(found, first, second)
