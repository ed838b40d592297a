"""The rules that a study's sections must keep together. Every rule names the place, and says what to do about it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from polyglot.spec.base import Problem
from polyglot.spec.mix import Mix
from polyglot.spec.systems import SYSTEMS

if TYPE_CHECKING:
    from polyglot.spec.study import Study


def study_problems(study: "Study") -> Iterator[Problem]:
    """Yield everything that does not fit together."""
    yield from _repeats(study)
    yield from _alike_names(study)
    yield from _languages_of_data(study)
    yield from _system_messages(study)
    yield from _draws(study)
    yield from _prompts(study)
    yield from _contrasts(study)
    yield from _budget(study)


def _repeats(study: "Study") -> Iterator[Problem]:
    for key in ("mixes", "sizes", "seeds", "draws"):
        seen: list[object] = []
        for number, value in enumerate(getattr(study, key)):
            if value in seen:
                shown = value.canonical if isinstance(value, Mix) else "full" if value is None else value
                what = f"{shown} is there twice"
                remedy = "Names that differ in spelling can be one mix" if isinstance(value, Mix) else ""
                yield Problem(what=what, place=(key, number), remedy=remedy)
            seen.append(value)


def _alike_names(study: "Study") -> Iterator[Problem]:
    """Names become parts of DNS labels, where a dot is a hyphen."""
    for key in ("models", "datasets"):
        seen: dict[str, str] = {}
        for name in getattr(study, key):
            other = seen.setdefault(name.replace(".", "-"), name)
            if other != name:
                what = f"cannot be told from {other}"
                yield Problem(what=what, place=(key, name), remedy="Choose names that differ in more than . and -")


def _languages_of_data(study: "Study") -> Iterator[Problem]:
    for number, mix in enumerate(study.mixes):
        for name, dataset in study.datasets.items():
            lacking = [language for language in mix.languages if language not in dataset.all_languages]
            if lacking:
                what = f"data set {name} has no {', '.join(lacking)}"
                expected = f"languages among {', '.join(dataset.all_languages)}"
                yield Problem(what=what, place=("mixes", number), got=mix.canonical, expected=expected)


def _system_messages(study: "Study") -> Iterator[Problem]:
    known = {*study.systems, *SYSTEMS}
    remedy = "Add it under `systems`; '' is none"
    lacking: set[str] = set()
    for number, mix in enumerate(study.mixes):
        for language in mix.languages:
            if language not in known and language not in lacking:
                lacking.add(language)
                yield Problem(what=f"no system message for {language}", place=("mixes", number), remedy=remedy)
    for language in study.benchmark.languages:
        if language not in known and language not in lacking:
            asked = ("benchmark", "questions", language)
            yield Problem(what=f"no system message for {language}", place=asked, remedy=remedy)
    used = {*study.mixed_languages, *study.benchmark.languages}
    for language in study.systems:
        if language not in used:
            what = f"no mix and no question is in {language}"
            yield Problem(what=what, place=("systems", language), remedy="Remove it")


def _draws(study: "Study") -> Iterator[Problem]:
    if len(study.draws) > 1 and not any(arm.sampled or arm.size is not None for arm in study.arms()):
        what = "nothing is drawn: every mix takes all ids"
        yield Problem(what=what, place=("draws",), remedy="Remove it, or add sizes or sampled mixes")


def _prompts(study: "Study") -> Iterator[Problem]:
    benchmark, own = study.benchmark, study.judge.prompts or {}
    for language in own:
        if language not in benchmark.languages:
            yield Problem(what="no questions in this language", place=("judge", "prompts", language))
    for part, prompts in (("benchmark", benchmark.prompts or {}), ("judge", own)):
        for language, file in prompts.items():
            if file.is_address:
                at = (part, "prompts", language, "path")
                yield Problem(what="judge prompts must be local", place=at, remedy="Download the file")
    for language in benchmark.languages:
        if benchmark.built_in is None and language not in {*own, *(benchmark.prompts or {})}:
            place = ("benchmark", "questions", language)
            remedy = f"Add `benchmark.prompts.{language}`"
            yield Problem(what=f"no judge prompts for {language}", place=place, remedy=remedy)
    if benchmark.built_in is None and benchmark.references is None and study.judge.reference_categories:
        what = "the benchmark has no references"
        yield Problem(what=what, place=("judge", "reference-categories"), remedy="Add `benchmark.references`")


def _contrasts(study: "Study") -> Iterator[Problem]:
    if study.contrasts == "auto":
        return
    arms = {arm.canonical for arm in study.arms()}
    asked = study.benchmark.languages
    names: set[str] = set()
    for number, row in enumerate(study.contrasts):
        place = ("contrasts", number)
        if row.name in names:
            yield Problem(what=f"two contrasts are called {row.name!r}", place=(*place, "name"))
        names.add(row.name)
        for side in ("treatment", "control"):
            for mix in getattr(row, side):
                if mix.canonical not in arms:
                    expected = "one of " + ", ".join(arm.canonical for arm in study.arms())
                    what = "the study has no such mix"
                    yield Problem(what=what, place=(*place, side), got=mix.canonical, expected=expected)
        if set(row.treatment) & set(row.control):
            yield Problem(what="a mix is compared with itself", place=(*place, "control"))
        strange = [language for language in row.languages(asked) if language not in asked]
        if strange:
            expected = "languages among " + ", ".join(asked)
            yield Problem(what=f"no questions in {', '.join(strange)}", place=(*place, "on"), expected=expected)
        if not row.languages(asked):
            yield Problem(what="no language is left", place=(*place, "on"), got=str(row.on))


def _budget(study: "Study") -> Iterator[Problem]:
    judge, budget = study.judge, study.budget
    if budget is None or judge.endpoint == "built-in":
        return
    for name in ("price_usd_per_mtok_prompt", "price_usd_per_mtok_completion"):
        if getattr(judge, name) is None:
            remedy = f"Add `judge.{name.replace('_', '-')}`"
            yield Problem(
                what="calls have no price, so their cost cannot be bounded", place=("budget", "usd"), remedy=remedy
            )
