"""The rules between a study's comparisons and what it has: arms, models, data sets, languages."""

from collections.abc import Iterator
from itertools import product

from polyglot.core.section import Place, Problem
from polyglot.study.arms import OtherArm, bare, key_of
from polyglot.study.baseline_rules import not_tuned_problems
from polyglot.study.study import Sides, Study


def contrast_problems(study: Study) -> Iterator[Problem]:
    """Yield what does not fit together."""
    names: set[str] = set()
    for number, row in enumerate(study.contrasts if study.contrasts != "auto" else ()):
        if row.name in names:
            yield Problem(what=f"two contrasts are called {row.name!r}", place=("contrasts", number, "name"))
        names.add(row.name)
        yield from _sides(study, row, ("contrasts", number))
    if isinstance(study.primary, Sides):
        yield from _sides(study, study.primary, ("primary",))
    elif study.primary is not None and study.contrasts != "auto" and study.primary not in names:
        expected = "one of " + ", ".join(sorted(names)) + ", or `treatment` and `control`"
        yield Problem(
            what="the study has no such contrast", place=("primary",), got=repr(study.primary), expected=expected
        )


def _sides(study: Study, row: Sides, place: Place) -> Iterator[Problem]:
    """What is wrong with one comparison."""
    arms, asked = {arm.canonical for arm in study.arms()}, study.benchmark.languages
    for side in ("treatment", "control"):
        yield from _places(study, getattr(row, side), (*place, side))
        yield from not_tuned_problems(study, [bare(arm) for arm in getattr(row, side)], (*place, side))
        for mix in row.mixes_of(getattr(row, side)):
            if mix.canonical not in arms:
                expected = "one of " + ", ".join(arm.canonical for arm in study.arms())
                what = "the study has no such mix"
                yield Problem(what=what, place=(*place, side), got=mix.canonical, expected=expected)
    for key, values in (("treatment", row.treatment), ("control", row.control), ("on", row.languages(asked))):
        if len(set(values)) < len(values):
            twice = next(value for value in values if values.count(value) > 1)
            yield Problem(what=f"{twice} is there twice", place=(*place, key), remedy="Name it once")
    if not any(apart(row, *pair) for pair in product(study.models, study.datasets)):
        yield Problem(what="an arm is compared with itself", place=(*place, "control"))
    strange = [language for language in row.languages(asked) if language not in asked]
    if strange:
        expected = "languages among " + ", ".join(asked)
        yield Problem(what=f"no questions in {', '.join(strange)}", place=(*place, "on"), expected=expected)
    if not row.languages(asked):
        yield Problem(what="no language is left", place=(*place, "on"), got=str(row.on))


def apart(row: Sides, model: str, dataset: str) -> bool:
    """Whether no arm is there twice in a comparison beside the mixes of a model and data set."""
    keys = [key_of(arm, model, dataset) for arm in (*row.treatment, *row.control)]
    return len(set(keys)) == len(keys)


def _places(study: Study, side: tuple[object, ...], place: Place) -> Iterator[Problem]:
    """Arms of models and data sets that the study does not have."""
    for arm in side:
        if not isinstance(arm, OtherArm):
            continue
        for what, name, known in (
            ("model", arm.model, study.models),
            ("data set", arm.dataset, study.datasets),
        ):
            if name is not None and name not in known:
                expected = "one of " + ", ".join(known)
                yield Problem(what=f"the study has no such {what}", place=place, got=name, expected=expected)
