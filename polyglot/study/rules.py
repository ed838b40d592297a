"""The rules that a study's sections must keep together. Every rule names the place, and says what to do about it."""

import difflib
from collections.abc import Iterable, Iterator

from polyglot.core.mix import Mix
from polyglot.core.section import Problem
from polyglot.kinds.cells import STUDYS_JUDGE
from polyglot.kinds.chat import ChatModel
from polyglot.study.baseline_rules import baseline_problems, not_tuned_problems
from polyglot.study.benchmark import BUILT_IN_CATEGORIES
from polyglot.study.chat import missing_prices
from polyglot.study.contrast_rules import contrast_problems
from polyglot.study.finding_rules import finding_problems
from polyglot.study.judge import ALL, PanelJudge
from polyglot.study.quality_rules import quality_problems
from polyglot.study.reference_rules import reference_problems
from polyglot.study.sources import BUILT_IN_LANGUAGES
from polyglot.study.study import Study
from polyglot.study.systems import SYSTEMS


def study_problems(study: Study) -> Iterator[Problem]:
    """Yield everything that does not fit together."""
    yield from _repeats(study)
    yield from _alike_names(study)
    yield from _same_twice(study)
    if broken := list(_translations(study)):
        yield from broken
        return  # what follows reads the languages that translations make
    yield from quality_problems(study)
    if not study.models:
        yield from _budget(study)
        return
    yield from _languages_of_data(study)
    yield from _published(study)
    yield from _system_messages(study)
    yield from _draws(study)
    yield from _prompts(study)
    yield from _pairs(study)
    yield from _panel(study)
    yield from reference_problems(study)
    yield from _categories(study)
    yield from baseline_problems(study)
    yield from contrast_problems(study)
    yield from finding_problems(study)
    yield from _budget(study)


def _repeats(study: Study) -> Iterator[Problem]:
    for key in ("mixes", "sizes", "seeds", "draws"):
        seen: set[object] = set()
        for number, value in enumerate(getattr(study, key)):
            if value in seen:
                shown = value.canonical if isinstance(value, Mix) else "full" if value is None else value
                what = f"{shown} is there twice"
                remedy = "Names that differ in spelling can be one mix" if isinstance(value, Mix) else ""
                yield Problem(what=what, place=(key, number), remedy=remedy)
            seen.add(value)


def _alike_names(study: Study) -> Iterator[Problem]:
    """Names become parts of DNS labels, where a dot is a hyphen."""
    named: dict[tuple[str, ...], Iterable[str]] = {
        (key,): getattr(study, key) for key in ("models", "datasets", "baselines")
    }
    for place, names in {**named, ("judge", "panel"): study.judge.members if study.models else ()}.items():
        seen: dict[str, str] = {}
        for name in names:
            other = seen.setdefault(name.replace(".", "-"), name)
            if other != name:
                what = f"cannot be told from {other}"
                yield Problem(what=what, place=(*place, name), remedy="Choose names that differ in more than . and -")


def _same_twice(study: Study) -> Iterator[Problem]:
    """One thing under two names would be computed once and shown as two."""
    for key in ("models", "datasets", "baselines", "imported_pairs"):
        seen: list[tuple[str, object]] = []
        sections = getattr(study, key)
        if key == "models":  # one base model may be trained in several ways
            bare = {name: model.model_copy(update={"training": None}) for name, model in sections.items()}
            sections = {
                name: (model, study.training_of(name).differing(study.training)) for name, model in bare.items()
            }
        for name, section in sections.items():
            other = next((earlier for earlier, known in seen if known == section), None)
            if other is not None:
                place = (key.replace("_", "-"), name)
                yield Problem(what=f"the same as {other}", place=place, remedy="Remove one, or make them differ")
            seen.append((name, section))


def _categories(study: Study) -> Iterator[Problem]:
    """Names of categories, where the benchmark's are known."""
    if study.benchmark.built_in is None:
        return
    named: list[tuple[tuple[str | int, ...], str]] = []
    if "temperatures" in study.answers.model_fields_set:
        named += [(("answers", "temperatures", name), name) for name in study.answers.temperatures]
    asked = study.judge.reference_categories
    if isinstance(asked, tuple):
        named += [(("judge", "reference-categories", number), name) for number, name in enumerate(asked)]
    for place, name in named:
        if name not in BUILT_IN_CATEGORIES:
            near = difflib.get_close_matches(name, BUILT_IN_CATEGORIES, 1)
            remedy = f"Did you mean {near[0]}?" if near else ""
            expected = "one of " + ", ".join(BUILT_IN_CATEGORIES)
            yield Problem(what="the benchmark has no such category", place=place, expected=expected, remedy=remedy)


def _translations(study: Study) -> Iterator[Problem]:
    """A translated data set leads, by however many steps, to one that is read from somewhere."""
    for name, dataset in study.datasets.items():
        for number, part in enumerate(dataset.translate or ()):
            place = ("datasets", name, "translate", number)
            other = study.datasets.get(part.of)
            if other is None:
                expected = "one of " + ", ".join(known for known in study.datasets if known != name)
                yield Problem(what="the study has no such data set", place=(*place, "of"), expected=expected)
            elif part.source not in other.all_languages:
                expected = "one of " + ", ".join(other.all_languages)
                yield Problem(what=f"data set {part.of} lacks it", place=(*place, "from"), expected=expected)
        seen, at = {name}, dataset
        while at.translate is not None and (of := at.translate[0].of) in study.datasets:
            if of in seen:
                yield Problem(what="a data set that is made of itself", place=("datasets", name, "translate"))
                break
            seen.add(of)
            at = study.datasets[of]


def _languages_of_data(study: Study) -> Iterator[Problem]:
    for number, mix in enumerate(study.mixes):
        for name, dataset in study.datasets.items():
            lacking = [language for language in mix.languages if language not in dataset.all_languages]
            if lacking:
                what = f"data set {name} has no {', '.join(lacking)}"
                expected = f"languages among {', '.join(dataset.all_languages)}"
                yield Problem(what=what, place=("mixes", number), got=mix.canonical, expected=expected)


def _published(study: Study) -> Iterator[Problem]:
    known = [mix.form.canonical for mix in study.mixes]
    for name, dataset in study.datasets.items():
        for mix in dataset.published:
            if mix not in known:
                what, expected = "the study has no such mix", "one of " + ", ".join(dict.fromkeys(known))
                yield Problem(what=what, place=("datasets", name, "published", mix), expected=expected)


def _system_messages(study: Study) -> Iterator[Problem]:
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


def _draws(study: Study) -> Iterator[Problem]:
    if len(study.draws) > 1 and not any(arm.sampled or arm.size is not None for arm in study.arms()):
        what = "nothing is drawn: every mix takes all ids"
        yield Problem(what=what, place=("draws",), remedy="Remove it, or add sizes or sampled mixes")


def _prompts(study: Study) -> Iterator[Problem]:
    benchmark, own, judge = study.benchmark, study.judge.prompts or {}, study.judge
    told_in = judge.one_language or ("EN" if judge.prompt_language == "both" else None)
    known = {*own, *(benchmark.prompts or {}), *(BUILT_IN_LANGUAGES if benchmark.built_in is not None else ())}
    for language in own:
        if language not in (*benchmark.languages, told_in):
            yield Problem(what="no questions in this language", place=("judge", "prompts", language))
    for language in benchmark.languages if judge.one_language is None else ():
        if language not in known:
            place = ("benchmark", "questions", language)
            remedy = f"Add `benchmark.prompts.{language}`"
            yield Problem(what=f"no judge prompts for {language}", place=place, remedy=remedy)
    if told_in is not None and told_in not in known:
        what, remedy = f"no judge prompts in {told_in}", f"Add `judge.prompts.{told_in}`"
        yield Problem(what=what, place=("judge", "prompt-language"), remedy=remedy)
    if judge.prompt_language == "both" and benchmark.languages == ("EN",):
        what, remedy = "all questions are English: there is nothing to compare", "Remove it"
        yield Problem(what=what, place=("judge", "prompt-language"), got="both", remedy=remedy)
    if not benchmark.has_references and benchmark.native_references is None and study.judge.reference_categories:
        what = "the benchmark has no references"
        yield Problem(what=what, place=("judge", "reference-categories"), remedy="Add `benchmark.references`")


def _pairs(study: Study) -> Iterator[Problem]:
    """What answers are compared with is there, and there is something else to compare."""
    pairs, place = study.judge.pairs, ("judge", "pairs", "against")
    if pairs is None:
        return
    arms = [arm.canonical for arm in study.arms()]
    others = len(arms) + study.untuned + len(study.baselines)
    if pairs.against == ALL:
        if others < 2:
            yield Problem(what="there is nothing to compare", place=place, got="one arm", remedy="Add a mix")
        return
    yield from not_tuned_problems(study, pairs.against, place)
    for number, arm in enumerate(pairs.against):
        if isinstance(arm, Mix) and arm.canonical not in arms:
            expected = "one of " + ", ".join(arms)
            yield Problem(what="the study has no such mix", place=place, got=arm.canonical, expected=expected)
        if arm in pairs.against[:number]:
            yield Problem(what=f"{arm} is there twice", place=place, remedy="Name it once")
    if others < 2:
        yield Problem(what="there is nothing to compare with it", place=place, remedy="Add a mix")


def _panel(study: Study) -> Iterator[Problem]:
    """Every judge of a panel is another one."""
    known: list[tuple[str, PanelJudge]] = [("the study's judge", study.judge)]
    fields = {*ChatModel.model_fields, "output"}
    for name, judge in study.judge.members.items():
        place = ("judge", "panel", name)
        if name == STUDYS_JUDGE or name.startswith("panel-"):
            yield Problem(what="a name that has a meaning of its own", place=place, remedy="Choose another one")
        said = judge.model_dump(include=fields)
        other = next((whose for whose, earlier in known if earlier.model_dump(include=fields) == said), None)
        if other is not None:
            remedy = "Remove one, or ask one several times by `judge.retest`"
            yield Problem(what=f"the same as {other}", place=place, remedy=remedy)
        known.append((name, judge))


def _budget(study: Study) -> Iterator[Problem]:
    judge = study.judge
    if study.usd is None:
        return
    sections = {("datasets", name): dataset.translate or () for name, dataset in study.datasets.items()}
    for place, parts in (*sections.items(), (("benchmark",), study.benchmark.translate or ())):
        for number, part in enumerate(parts):
            for key in missing_prices(part, part.prices):
                what = "translations have no price, so their cost cannot be bounded"
                yield Problem(what=what, place=(*place, "translate", number), remedy=f"Add `{key}`")
    for name, baseline in study.baselines.items():
        for key in missing_prices(baseline) if baseline.endpoint not in (None, "built-in") else ():
            what = "calls have no price, so their cost cannot be bounded"
            yield Problem(what=what, place=("baselines", name), remedy=f"Add `{key}`")
    for name, member in judge.members.items():
        for key in missing_prices(member) if member.endpoint != "built-in" else ():
            what = "calls have no price, so their cost cannot be bounded"
            yield Problem(what=what, place=("judge", "panel", name), remedy=f"Add `{key}`")
    if judge.endpoint == "built-in":
        return
    for key in missing_prices(judge):
        what = "calls have no price, so their cost cannot be bounded"
        yield Problem(what=what, place=("budget", "usd"), remedy=f"Add `judge.{key}`")
