"""The rules between a study's baselines, what they are asked, and the contrasts that name them."""

import difflib
from collections.abc import Iterator, Mapping, Sequence

from polyglot.core.section import Place, Problem
from polyglot.kinds.cells import BASELINE
from polyglot.study.arms import ArmRequest, NotTuned
from polyglot.study.study import Study


def baseline_problems(study: Study) -> Iterator[Problem]:
    """Yield what does not fit together."""
    models = {name.replace(".", "-"): name for name in study.models}
    for name, baseline in study.baselines.items():
        at: Place = ("baselines", name)
        if name.replace(".", "-") in models:
            what = f"a model is called {models[name.replace('.', '-')]}, too"
            yield Problem(what=what, place=at, remedy="Choose another name")
        if baseline.endpoint == "built-in" and study.benchmark.built_in is None:
            what, remedy = "the built-in author knows the built-in benchmark only", "Use endpoint openai"
            yield Problem(what=what, place=(*at, "endpoint"), remedy=remedy)
        for part in ("answers", "verdicts"):
            yield from _other_languages(study, (*at, part), getattr(baseline, part))
        if baseline.asked and study.answers.top_k:
            what, remedy = "an endpoint takes no top-k", f"Take it out, or the baseline {name}"
            yield Problem(what=what, place=("answers", "top-k"), got=str(study.answers.top_k), remedy=remedy)
    yield from _imported_pairs(study)


def _imported_pairs(study: Study) -> Iterator[Problem]:
    """Pairs are of answers that were read: no others are known to be those that were judged."""
    read = [name for name, baseline in study.baselines.items() if baseline.answers is not None]
    for name, pairs in study.imported_pairs.items():
        at: Place = ("imported-pairs", name)
        yield from _other_languages(study, (*at, "files"), pairs.files)
        if pairs.between is None and len(read) < 2:
            what, got = "nothing to compare: pairs are of baselines that have `answers`", ", ".join(read) or "none"
            yield Problem(what=what, place=at, got=got, expected="two or more", remedy="Add `baselines.NAME.answers`")
        for number, one in enumerate(pairs.between or ()):
            place: Place = (*at, "between", number)
            if one not in read:
                there = "is none whose `answers` are read" if one in study.baselines else "is no baseline of the study"
                near = difflib.get_close_matches(one, read, 1)
                remedy = f"Did you mean {near[0]}?" if near else f"Add `baselines.{one}.answers`"
                yield Problem(what=f"{one} {there}", place=place, expected=", ".join(read), remedy=remedy)
            if one in (pairs.between or ())[:number]:
                yield Problem(what=f"{one} is there twice", place=place, remedy="Name it once")


def _other_languages(study: Study, place: Place, files: Mapping[str, object] | None) -> Iterator[Problem]:
    """A cell has all languages of the benchmark."""
    asked = study.benchmark.languages
    if files is not None and set(files) != set(asked):
        got, expected = ", ".join(files), f"{', '.join(asked)}, as the benchmark"
        yield Problem(what="other languages", place=place, got=got, expected=expected)


def not_tuned_problems(study: Study, side: Sequence[ArmRequest], place: Place) -> Iterator[Problem]:
    """Yield the arms of a contrast's side that are not tuned and that the study does not have."""
    for arm in side:
        if not isinstance(arm, NotTuned):
            continue
        if not arm.baseline and not study.untuned:
            what, remedy = "the study leaves the untuned models out", "Remove `untuned: false`"
            yield Problem(what=what, place=place, got=arm.canonical, remedy=remedy)
        if arm.baseline and arm.baseline not in study.baselines:
            expected = "one of " + ", ".join(BASELINE + name for name in study.baselines) if study.baselines else ""
            near = difflib.get_close_matches(arm.baseline, study.baselines, 1)
            remedy = f"Did you mean {BASELINE}{near[0]}?" if near else f"Add `baselines.{arm.baseline}`"
            what = "the study has no such baseline"
            yield Problem(what=what, place=place, got=arm.canonical, expected=expected, remedy=remedy)
