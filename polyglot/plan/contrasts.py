"""The comparisons that a study's mixes allow, found by rule: what the paper compares, for any set of languages.

Every contrast is mean(treatment arms) - mean(control arms) over some languages of the benchmark. Families:

- parallel - mono mean | best | worst: a parallel mix against the monolingual mixes of its own languages
- parallel - sampled: the same languages with all rows against one monolingual set's number of rows
- sampled - mono mean: the same number of rows, in several languages against one
- left out: a mix that lacks one language of the benchmark, on that language, against the monolingual mixes of its own
- whole - part: a mix against the one that lacks one of its languages, on the benchmark's languages that both have
- size: a mix at one size against the next smaller one
- references: the same answers judged against native references and against the published ones, for every mix on all
  languages, and for all mixes together on each language
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from polyglot.core.mix import Mix
from polyglot.kinds.aggregate import NATIVE, Contrast


@dataclass(frozen=True, slots=True)
class _Arms:
    """The arms of one model, data set and size, sorted into forms."""

    mono: dict[str, Mix]  # by their language
    parallel: list[Mix]
    sampled: list[Mix]

    def monos_of(self, mix: Mix) -> tuple[str, ...]:
        """Names of the monolingual arms of a mix's languages, if every one is there."""
        names = [self.mono[language].canonical for language in mix.languages if language in self.mono]
        return tuple(names) if len(names) == len(mix.languages) else ()


def find_contrasts(model: str, dataset: str, mixes: Sequence[Mix], languages: Sequence[str]) -> tuple[Contrast, ...]:
    """Return the contrasts among `mixes` (with their sizes set) on a benchmark in `languages`, in a fixed order."""
    found: list[Contrast] = []
    sizes = list(dict.fromkeys(mix.size for mix in mixes))
    for size in sizes:
        arms = _sort_arms(mix for mix in mixes if mix.size == size)
        found += _against_mono(model, dataset, arms, languages)
        found += _against_other_form(model, dataset, arms, languages)
        found += _left_out(model, dataset, arms, languages)
        found += _whole_and_part(model, dataset, arms, languages)
    found += _sizes(model, dataset, mixes, languages)
    return tuple(found)


def reference_contrasts(
    model: str, dataset: str, mixes: Sequence[Mix], languages: Sequence[str]
) -> tuple[Contrast, ...]:
    """Return what judging against native references changes, where every arm has a twin that is."""
    names = tuple(mix.canonical for mix in mixes)
    sides: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
    sides = [(name, (name,), tuple(languages)) for name in names]
    if len(names) > 1:
        sides += [(f"all mixes, in {language}", names, (language,)) for language in languages]
    return tuple(
        _contrast(
            f"{title}: native - published references",
            "references",
            model,
            dataset,
            tuple(name + NATIVE for name in arms),
            arms,
            on,
        )
        for title, arms, on in sides
    )


def _sort_arms(mixes: Iterable[Mix]) -> _Arms:
    arms = _Arms({}, [], [])
    for mix in mixes:
        if len(mix.languages) == 1:
            arms.mono[mix.languages[0]] = mix
        else:
            (arms.sampled if mix.sampled else arms.parallel).append(mix)
    return arms


def _against_mono(model: str, dataset: str, arms: _Arms, on: Sequence[str]) -> Iterator[Contrast]:
    for form, mixes in (("parallel", arms.parallel), ("sampled", arms.sampled)):
        for mix in mixes:
            monos = arms.monos_of(mix)
            for which in ("mean", "best", "worst") if form == "parallel" else ("mean",):
                if monos:
                    family = f"{form} - mono {which}"
                    name = f"{mix.canonical} - {which} of {len(monos)} monolingual mixes"
                    yield _contrast(name, family, model, dataset, (mix.canonical,), monos, on)


def _against_other_form(model: str, dataset: str, arms: _Arms, on: Sequence[str]) -> Iterator[Contrast]:
    for parallel in arms.parallel:
        for sampled in arms.sampled:
            if set(parallel.languages) == set(sampled.languages):
                name = f"{parallel.canonical} - {sampled.canonical}"
                treatment, control = (parallel.canonical,), (sampled.canonical,)
                yield _contrast(name, "parallel - sampled", model, dataset, treatment, control, on)


def _left_out(model: str, dataset: str, arms: _Arms, on: Sequence[str]) -> Iterator[Contrast]:
    for mix in (*arms.parallel, *arms.sampled):
        missing = tuple(language for language in on if language not in mix.languages)
        monos = arms.monos_of(mix)
        if len(missing) == 1 and monos:
            name = f"{mix.canonical} - its monolingual mixes, on {missing[0]} (left out)"
            yield _contrast(name, "left out", model, dataset, (mix.canonical,), monos, missing)


def _whole_and_part(model: str, dataset: str, arms: _Arms, on: Sequence[str]) -> Iterator[Contrast]:
    for mixes in (arms.parallel, arms.sampled):
        for whole in mixes:
            for part in mixes:
                lacking = set(whole.languages) - set(part.languages)
                both = tuple(language for language in on if language in part.languages)
                if len(lacking) == 1 and set(part.languages) < set(whole.languages) and both:
                    name = f"{whole.canonical} - {part.canonical}, on the languages of both"
                    treatment, control = (whole.canonical,), (part.canonical,)
                    yield _contrast(name, "whole - part", model, dataset, treatment, control, both)


def _sizes(model: str, dataset: str, mixes: Sequence[Mix], on: Sequence[str]) -> Iterator[Contrast]:
    by_form: dict[str, list[Mix]] = {}
    for mix in mixes:
        by_form.setdefault(mix.with_size(None).canonical, []).append(mix)
    for sizes in by_form.values():
        ordered = sorted(sizes, key=lambda mix: (mix.size is None, mix.size or 0))  # None is every id: the largest
        for small, large in pairwise(ordered):
            seen = tuple(language for language in on if language in large.languages) or tuple(on)
            name = f"{large.canonical} - {small.canonical}"
            yield _contrast(name, "size", model, dataset, (large.canonical,), (small.canonical,), seen)


def _contrast(
    name: str,
    family: str,
    model: str,
    dataset: str,
    treatment: tuple[str, ...],
    control: tuple[str, ...],
    on: Sequence[str],
) -> Contrast:
    return Contrast(
        name=name, family=family, model=model, dataset=dataset, treatment=treatment, control=control, on=tuple(on)
    )
