"""The comparisons across what a study tunes and on what, found by rule: one mix at one size, in two places.

- untuned: a mix against the base model that it was tuned from
- models: a mix on one data set, in two models (of another size, another maker, or one base model trained in two ways)
- data sets at one size: a mix with the same number of ids of two data sets
- whole data sets: a mix of every id of two data sets
- engines: a mix on two data sets that are one by origin, translated by two engines, or translated and as it came; mixes
  without a translated language are the same on both, and are left out

Both sides are of the seeds that they have in common, as a contrast within one data set is. The one that the study file
names first is the treatment; against a data set as it came, the translated one is.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from polyglot.core.mix import Mix
from polyglot.kinds.cells import UNTUNED, ArmKey, Contrast, Family, in_common
from polyglot.study.sources import Dataset
from polyglot.study.study import Study


def untuned_contrasts(model: str, dataset: str, mixes: Sequence[Mix], languages: Sequence[str]) -> Iterator[Contrast]:
    """Every mix against what it was tuned from."""
    for mix in mixes:
        treatment = ArmKey(model, dataset, mix.canonical)
        name = f"{mix.canonical} - {UNTUNED}"
        yield _between(Family.UNTUNED, name, treatment, ArmKey.untuned(model), languages)


def model_contrasts(study: Study, mixes: Sequence[Mix], languages: Sequence[str]) -> Iterator[Contrast]:
    """Every mix on every data set, in each two models."""
    for one, other in combinations(study.models, 2):
        for dataset in study.datasets:
            for mix in mixes:
                first, second = (ArmKey(model, dataset, mix.canonical) for model in (one, other))
                yield _between(Family.MODELS, f"{mix.canonical}: {one} - {other}", first, second, languages)


def dataset_contrasts(study: Study, mixes: Sequence[Mix], languages: Sequence[str]) -> Iterator[Contrast]:
    """Every mix in every model, on each two data sets: of one origin, else at one size or of every id."""
    for pair in combinations(study.datasets, 2):
        made = {name: _translated(study.datasets, name) for name in pair}
        origins = {_origin(study.datasets, name) for name in pair}
        one, other = pair if made[pair[0]] or not made[pair[1]] or len(origins) > 1 else reversed(pair)
        for model in study.models:
            for mix in mixes:
                first, second = (ArmKey(model, dataset, mix.canonical) for dataset in (one, other))
                if len(origins) > 1:
                    family = Family.WHOLE_DATASETS if mix.size is None else Family.DATASETS
                    yield _between(family, f"{mix.canonical}: {one} - {other}", first, second, languages)
                elif {*made[one], *made[other]} & {*mix.languages}:
                    said = " - ".join(f"{name} ({_engine(study.datasets[name])})" for name in (one, other))
                    yield _between(Family.ENGINES, f"{mix.canonical}: {said}", first, second, languages)


def _between(family: Family, name: str, treatment: ArmKey, control: ArmKey, on: Sequence[str]) -> Contrast:
    model, dataset = in_common((treatment, control))
    return Contrast(
        name=name,
        family=family,
        model=model,
        dataset=dataset,
        treatment=(treatment,),
        control=(control,),
        on=tuple(on),
    )


def _origin(datasets: Mapping[str, Dataset], name: str) -> str:
    """The data set that one is a translation of, by however many steps; itself where it is read from somewhere."""
    parts = datasets[name].translate
    return name if parts is None else _origin(datasets, parts[0].of)


def _translated(datasets: Mapping[str, Dataset], name: str) -> frozenset[str]:
    """The languages of a data set whose rows an engine made."""
    parts = datasets[name].translate or ()
    made = frozenset(language for part in parts for language in part.to)
    return made.union(*({part.source} & _translated(datasets, part.of) for part in parts))


def _engine(dataset: Dataset) -> str:
    """What translates a data set, in words."""
    parts = dataset.translate or ()
    return " and ".join(dict.fromkeys(part.model or part.engine for part in parts)) or "as it came"
