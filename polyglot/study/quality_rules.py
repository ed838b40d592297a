"""What a study's assessments of translations must keep together with its data sets, benchmark and budget."""

from collections.abc import Iterator, Sequence

from polyglot.core.section import Place, Problem
from polyglot.study.chat import missing_prices
from polyglot.study.quality import QualityCheck
from polyglot.study.study import Study


def quality_problems(study: Study) -> Iterator[Problem]:
    """Yield everything that does not fit together."""
    names: set[str] = set()
    for number, check in enumerate(study.quality):
        place: Place = ("quality", number)
        if check.name in names:
            yield Problem(what=f"two are called {check.name}", place=(*place, "name"), remedy="Rename one")
        names.add(check.name)
        yield from _of_data(study, check, place) if check.data is not None else _of_benchmark(study, check, place)
        yield from _costs(study, check, place)
    if study.ratings is not None and not study.quality:
        yield Problem(what="no translation was rated", place=("ratings",), remedy="Add `quality:`")
    if study.votes is not None and not study.models:
        yield Problem(what="no answer was judged", place=("votes",), remedy="Votes are on the answers of `models`")
    for part, files in (("ratings", study.ratings), ("votes", study.votes)):
        for number, file in enumerate(files or ()):
            if file.is_address:
                yield Problem(what=f"{part} must be local", place=(part, number, "path"), remedy="Download the file")


def _of_data(study: Study, check: QualityCheck, place: Place) -> Iterator[Problem]:
    for key, name, wanted in (
        ("data", check.data, ((("from"), check.source), ("to", check.to))),
        ("reference", check.reference, (("reference", check.to),)),
    ):
        if name is None:
            continue
        dataset = study.datasets.get(name)
        if dataset is None:
            expected = "one of " + ", ".join(study.datasets)
            yield Problem(what="the study has no such data set", place=(*place, key), got=name, expected=expected)
            continue
        for at, language in wanted:
            if language not in dataset.all_languages:
                expected = "one of " + ", ".join(dataset.all_languages)
                yield Problem(what=f"data set {name} lacks {language}", place=(*place, at), expected=expected)
    if check.reference is not None and check.reference == check.data:
        yield Problem(what="what is assessed is its own reference", place=(*place, "reference"))


def _of_benchmark(study: Study, check: QualityCheck, place: Place) -> Iterator[Problem]:
    benchmark = study.benchmark
    if not study.has_benchmark:
        yield Problem(what="the study has no benchmark", place=(*place, "benchmark"), remedy="Add `benchmark:`")
        return
    if benchmark.questions is None:
        what = "the built-in benchmark is no translation"
        yield Problem(what=what, place=(*place, "benchmark"), remedy="Name a benchmark's files")
        return
    files: Sequence[str] = tuple(
        (benchmark.questions if check.benchmark == "questions" else benchmark.references) or ()
    )
    made = () if check.published else benchmark.translated
    for key, language, known in (("from", check.source, files), ("to", check.to, (*files, *made))):
        if language not in known:
            expected = "one of " + ", ".join(dict.fromkeys(known))
            what = f"the benchmark has no {check.benchmark} in {language}"
            yield Problem(what=what, place=(*place, key), expected=expected)
    if check.reference is not None:
        if check.to not in files:
            yield Problem(what=f"nothing is published in {check.to}", place=(*place, "reference"))
        elif check.to not in benchmark.translated:
            what = "what is assessed is its own reference"
            remedy = "Translate it (`benchmark.translate` with `replace: true`), or remove `reference`"
            yield Problem(what=what, place=(*place, "reference"), remedy=remedy)


def _costs(study: Study, check: QualityCheck, place: Place) -> Iterator[Problem]:
    if study.usd is None:
        return
    missing = [("adequacy", name) for name in missing_prices(check.adequacy)] if check.adequacy is not None else []
    if check.back is not None:
        missing += [("back", name) for name in missing_prices(check.back, check.back.prices)]
    for key, name in missing:
        what = "calls have no price, so their cost cannot be bounded"
        yield Problem(what=what, place=(*place, key), remedy=f"Add `{name}`")
