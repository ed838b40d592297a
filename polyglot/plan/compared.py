"""All contrasts of a study: declared in its file or found by rule, the primary one among them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product

from msgspec.structs import replace

from polyglot.core.errors import BadInput
from polyglot.core.mix import Mix
from polyglot.kinds.cells import ArmKey, Contrast, Family, in_common
from polyglot.plan.across import dataset_contrasts, model_contrasts, untuned_contrasts
from polyglot.plan.contrasts import (
    ENGLISH,
    baseline_contrasts,
    find_contrasts,
    judge_contrasts,
    panel_contrasts,
    prompt_contrasts,
    reference_contrasts,
)
from polyglot.study.arms import key_of
from polyglot.study.contrast_rules import apart
from polyglot.study.study import ContrastRequest, Sides, Study


def contrasts_of(
    study: Study, languages: Sequence[str], mixes: Sequence[Mix], known: Collection[ArmKey]
) -> tuple[Contrast, ...]:
    """Those of the study file, or all that there are among the `known` arms; at most one is primary.

    Raises BadInput where the file names a primary contrast that is not there.
    """
    if study.contrasts == "auto":
        plain, again = list(_found(study, languages, mixes)), list(_rejudged(study, languages, mixes))
    else:
        plain, again = list(_declared(study, study.contrasts, languages)), []
    there = frozenset(known)
    plain = [row for row in plain if {*row.treatment, *row.control} <= there]
    plain = _with_primary(study, languages, mixes, plain, there)
    panel = panel_contrasts(plain, there) if study.judge.members else ()
    return (*plain, *again, *panel)


def _found(study: Study, languages: Sequence[str], mixes: Sequence[Mix]) -> Iterator[Contrast]:
    """What the mixes, models and data sets allow, by the verdicts of the study's judge."""
    pairs = list(product(study.models, study.datasets))
    for pair in pairs:
        yield from find_contrasts(*pair, mixes, languages)
    for pair in pairs:
        yield from baseline_contrasts(*pair, mixes, study.baselines, languages)
    yield from model_contrasts(study, mixes, languages)
    yield from dataset_contrasts(study, mixes, languages)
    for pair in pairs if study.untuned else ():
        yield from untuned_contrasts(*pair, mixes, languages)


def _rejudged(study: Study, languages: Sequence[str], mixes: Sequence[Mix]) -> Iterator[Contrast]:
    """The same answers judged otherwise."""
    for pair in product(study.models, study.datasets):
        if study.judge.references == "both":
            yield from reference_contrasts(*pair, mixes, languages)
        if study.judge.prompt_language == "both":
            yield from prompt_contrasts(*pair, mixes, languages)
        yield from judge_contrasts(*pair, mixes, study.judge.members, languages)


def _declared(study: Study, requests: Iterable[ContrastRequest], languages: Sequence[str]) -> Iterator[Contrast]:
    """The study file's own, for every model and data set that leaves no arm beside itself."""
    unique: dict[object, Contrast] = {}
    for model, dataset in product(study.models, study.datasets):
        for request in requests:
            if apart(request, model, dataset):
                row = _requested(request, request.name, Family.CUSTOM, (model, dataset), languages)
                # arms that are not tuned, and those of a named data set, are the same beside every data set
                unique.setdefault((row.name, row.treatment, row.control), row)
    yield from unique.values()


def _requested(sides: Sides, name: str, family: Family, beside: tuple[str, str], languages: Sequence[str]) -> Contrast:
    treatment, control = (tuple(key_of(arm, *beside) for arm in side) for side in (sides.treatment, sides.control))
    mixed = any(key.dataset is not None for key in (*treatment, *control))
    model, dataset = in_common((*treatment, *control)) if mixed else beside
    return Contrast(
        name=name,
        family=family,
        model=model,
        dataset=dataset,
        treatment=treatment,
        control=control,
        on=sides.languages(languages),
    )


def _with_primary(
    study: Study,
    languages: Sequence[str],
    mixes: Sequence[Mix],
    rows: Sequence[Contrast],
    known: frozenset[ArmKey],
) -> list[Contrast]:
    """The rows with the primary one marked; in front of them where it is none of them."""
    wanted = study.primary
    if isinstance(wanted, str):
        row = next((row for row in rows if row.name == wanted), None)
        if row is None and len(mixes) == len(study.arms()):
            raise BadInput(
                "the study has no such contrast",
                where=f"study {study.name}, primary",
                got=repr(wanted),
                expected="the name of one of its comparisons, such as " + ", ".join(row.name for row in rows[:3]),
                remedy="Name `treatment` and `control` instead",
            )
    elif wanted is not None:
        pairs = (pair for pair in product(study.models, study.datasets) if apart(wanted, *pair))
        row = _requested(wanted, _named(wanted), Family.PRIMARY, next(pairs), languages)
    else:
        row = _usual(study, languages, mixes, rows)
    if row is None or not {*row.treatment, *row.control} <= known:
        return list(rows)
    same = [other for other in rows if _compares(other) == _compares(row)]
    if not same and wanted is None and study.contrasts != "auto":
        return list(rows)  # a file that lists its contrasts has these and no others
    if not same:
        return [replace(row, primary=True), *rows]
    return [replace(other, primary=True) if other is same[0] else other for other in rows]


def _compares(row: Contrast) -> object:
    """What two contrasts have in common that are one under two names."""
    return row.treatment, row.control, frozenset(row.on), row.family.choice


def _named(sides: Sides) -> str:
    treatment, control = (" and ".join(map(str, side)) for side in (sides.treatment, sides.control))
    return f"{treatment} - {control}"


def _usual(study: Study, languages: Sequence[str], mixes: Sequence[Mix], rows: Iterable[Contrast]) -> Contrast | None:
    """The parallel mix of most languages, at its largest size, minus EN at that size, over all languages.

    In the first model and data set of the file. Where no parallel mix has EN beside it, it is the parallel mix of most
    languages minus the mean of its monolingual mixes; without either, a sampled mix (of equal shares, if there is one)
    minus EN. None where a study has nothing of these.
    """
    model, dataset = next(iter(study.models)), next(iter(study.datasets))
    several = sorted((mix for mix in mixes if len(mix.languages) > 1), key=_extent)
    english = {mix.size for mix in mixes if mix.languages == (ENGLISH,)}
    parallel, sampled = ([mix for mix in several if mix.sampled is drawn] for drawn in (False, True))
    chosen = next((mix for mix in parallel if mix.size in english), None)
    if chosen is None:
        means = {row.treatment: row for row in rows if row.family is Family.PARALLEL_MEAN}
        keys = ((ArmKey(model, dataset, mix.canonical),) for mix in parallel)
        mean = next((means[key] for key in keys if key in means), None)
        if mean is not None:
            return mean
        chosen = next((mix for mix in sampled if mix.size in english), None)
    if chosen is None:
        return None
    control = Mix((ENGLISH,), size=chosen.size)
    return Contrast(
        name=f"{chosen.canonical} - {control.canonical}",
        family=Family.PRIMARY,
        model=model,
        dataset=dataset,
        treatment=(ArmKey(model, dataset, chosen.canonical),),
        control=(ArmKey(model, dataset, control.canonical),),
        on=tuple(languages),
    )


def _extent(mix: Mix) -> tuple[int, float, bool]:
    """Most languages first, then the largest size, then equal shares; the study's order decides among equals."""
    languages, size = mix.extent
    return -languages, -size, mix.millionths is not None or mix.temperature is not None
