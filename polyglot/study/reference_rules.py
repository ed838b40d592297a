"""The rules between a benchmark's references, those that a model writes, and those that the judge is to use."""

from collections.abc import Iterator

from polyglot.core.section import Problem
from polyglot.study.chat import missing_prices
from polyglot.study.references import WORDED
from polyglot.study.study import Study


def reference_problems(study: Study) -> Iterator[Problem]:
    """Yield what does not fit together."""
    native, wanted = study.benchmark.native_references, study.judge.references
    published = study.benchmark.has_references
    place = ("judge", "references")
    if native is None:
        if wanted in ("native", "both"):
            remedy = "Add `benchmark.native-references`"
            yield Problem(what="nobody writes native references", place=place, got=wanted, remedy=remedy)
    elif published and wanted is None:
        remedy = "Add `judge.references:` published, native or both"
        yield Problem(what="two kinds of references, and the judge is told of none", place=("judge",), remedy=remedy)
    elif wanted == "published":
        remedy = "Remove it, or judge against `both`"
        yield Problem(what="nothing uses them", place=("benchmark", "native-references"), remedy=remedy)
    if wanted in ("published", "both") and not published:
        yield Problem(what="the benchmark has no references", place=place, got=wanted, expected="native")
    if native is None:
        return
    at = ("benchmark", "native-references")
    if native.endpoint == "built-in" and study.benchmark.built_in is None:
        remedy = "Use endpoint openai"
        yield Problem(
            what="the built-in author knows the built-in benchmark only", place=(*at, "endpoint"), remedy=remedy
        )
    for language in study.benchmark.languages:
        if language not in WORDED:
            what, expected = f"no wording to ask for references in {language}", "languages among " + ", ".join(WORDED)
            yield Problem(what=what, place=at, expected=expected)
    if study.usd is not None and native.endpoint != "built-in":
        for key in missing_prices(native):
            what = "calls have no price, so their cost cannot be bounded"
            yield Problem(what=what, place=at, remedy=f"Add `{key}`")
