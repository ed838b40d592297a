"""The comparisons that a study's mixes allow, found by rule: what the paper compares, for any set of languages.

Every contrast is mean(treatment arms) - mean(control arms) over some languages of the benchmark. Families:

- parallel - mono mean | best | worst: a parallel mix against the monolingual mixes of its own languages
- parallel - sampled: the same languages with all rows against one monolingual set's number of rows
- sampled - mono mean: the same number of rows, in several languages against one
- left out: a mix that lacks one language of the benchmark, on that language, against the monolingual mixes of its own
- whole - part: a mix against the one that lacks one of its languages, on the benchmark's languages that both have
- size: a mix at one size against the next smaller one
- baseline: a mix against a baseline of the study
- references: the same answers judged against native references and against the published ones, for every mix on all
  languages, and for all mixes together on each language
- prompts: the same answers judged by English prompts and by those of their language, likewise
- judges: the same answers judged by somebody of the panel and by the study's judge, likewise
- panel: every contrast above that is not of rejudged answers, nor against the best or worst of several mixes, by the
  mean of all judges

Those between data sets, models and engines of translation, and with the untuned model, are in `across`; the primary one
in `compared`.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import msgspec

from polyglot.core.mix import Mix
from polyglot.kinds.cells import NATIVE, ArmKey, Contrast, Family, judged_by, judged_together, prompted

ENGLISH = "EN"
_AGAINST_MONO = {
    "parallel": (Family.PARALLEL_MEAN, Family.PARALLEL_BEST, Family.PARALLEL_WORST),
    "sampled": (Family.SAMPLED_MEAN,),
}


@dataclass(frozen=True, slots=True)
class _Comparisons:
    """The arms of one model and data set at one size, sorted into forms; `on` are the benchmark's languages."""

    model: str
    dataset: str
    on: tuple[str, ...]
    mono: dict[str, Mix]  # by their language
    parallel: list[Mix]
    sampled: list[Mix]

    def find(self) -> Iterator[Contrast]:
        """All contrasts among arms of this size."""
        for mix in (*self.parallel, *self.sampled):
            yield from self._against_mono(mix)
        for parallel in self.parallel:
            for sampled in self.sampled:
                if set(parallel.languages) == set(sampled.languages):
                    yield self.contrast(Family.PARALLEL_SAMPLED, parallel, [sampled], self.on)
        for mix in (*self.parallel, *self.sampled):
            missing = tuple(language for language in self.on if language not in mix.languages)
            if len(missing) == 1 and (monos := self._monos_of(mix)):
                name = f"{mix.canonical} - its monolingual mixes, on {missing[0]} (left out)"
                yield self.contrast(Family.LEFT_OUT, mix, monos, missing, name)
        for mixes in (self.parallel, self.sampled):
            for whole, part in permutations(mixes, 2):
                lacking = set(whole.languages) - set(part.languages)
                both = tuple(language for language in self.on if language in part.languages)
                if len(lacking) == 1 and set(part.languages) < set(whole.languages) and both:
                    name = f"{whole.canonical} - {part.canonical}, on the languages of both"
                    yield self.contrast(Family.WHOLE_PART, whole, [part], both, name)

    def _against_mono(self, mix: Mix) -> Iterator[Contrast]:
        monos = self._monos_of(mix)
        if monos:
            for family in _AGAINST_MONO["sampled" if mix.sampled else "parallel"]:
                name = f"{mix.canonical} - {family.choice} of {len(monos)} monolingual mixes"
                yield self.contrast(family, mix, monos, self.on, name)

    def _monos_of(self, mix: Mix) -> list[Mix]:
        """The monolingual arms of a mix's languages, if every one is there."""
        found = [self.mono[language] for language in mix.languages if language in self.mono]
        return found if len(found) == len(mix.languages) else []

    def contrast(
        self, family: Family, treatment: Mix, control: Sequence[Mix], on: Sequence[str], name: str = ""
    ) -> Contrast:
        """One contrast; without a `name` it is that of the two arms."""
        return Contrast(
            name=name or f"{treatment.canonical} - {control[0].canonical}",
            family=family,
            model=self.model,
            dataset=self.dataset,
            treatment=(ArmKey(self.model, self.dataset, treatment.canonical),),
            control=tuple(ArmKey(self.model, self.dataset, mix.canonical) for mix in control),
            on=tuple(on),
        )


def find_contrasts(model: str, dataset: str, mixes: Sequence[Mix], languages: Sequence[str]) -> tuple[Contrast, ...]:
    """Return the contrasts among `mixes` (with their sizes set) on a benchmark in `languages`, in a fixed order."""
    found: list[Contrast] = []
    for size in dict.fromkeys(mix.size for mix in mixes):
        several = [mix for mix in mixes if mix.size == size and len(mix.languages) > 1]
        arms = _Comparisons(
            model=model,
            dataset=dataset,
            on=tuple(languages),
            mono={mix.languages[0]: mix for mix in mixes if mix.size == size and len(mix.languages) == 1},
            parallel=[mix for mix in several if not mix.sampled],
            sampled=[mix for mix in several if mix.sampled],
        )
        found += arms.find()
    by_form: dict[Mix, list[Mix]] = {}
    for mix in mixes:
        by_form.setdefault(mix.with_size(None), []).append(mix)
    for sizes in by_form.values():
        ordered = sorted(sizes, key=lambda mix: (mix.size is None, mix.size or 0))  # None is every id: the largest
        for small, large in pairwise(ordered):
            seen = tuple(language for language in languages if language in large.languages) or tuple(languages)
            found.append(arms.contrast(Family.SIZE, large, [small], seen))
    return tuple(found)


def baseline_contrasts(
    model: str, dataset: str, mixes: Sequence[Mix], baselines: Iterable[str], languages: Sequence[str]
) -> tuple[Contrast, ...]:
    """Return every mix against every baseline."""
    return tuple(
        Contrast(
            name=f"{mix.canonical} - {control.arm}",
            family=Family.BASELINE,
            model=model,
            dataset=dataset,
            treatment=(ArmKey(model, dataset, mix.canonical),),
            control=(control,),
            on=tuple(languages),
        )
        for control in map(ArmKey.baseline, baselines)
        for mix in mixes
    )


def reference_contrasts(
    model: str, dataset: str, mixes: Sequence[Mix], languages: Sequence[str]
) -> tuple[Contrast, ...]:
    """Return what judging against native references changes, where every arm is judged against both."""
    said = "native - published references"
    return tuple(_rejudged(Family.REFERENCES, NATIVE, said, (model, dataset), mixes, languages))


def prompt_contrasts(model: str, dataset: str, mixes: Sequence[Mix], languages: Sequence[str]) -> tuple[Contrast, ...]:
    """Return what English judge prompts change, where every arm is judged by them and by those of each language."""
    others = [language for language in languages if language != ENGLISH]
    said = "English - own prompts"
    return tuple(_rejudged(Family.PROMPTS, prompted(ENGLISH), said, (model, dataset), mixes, others))


def judge_contrasts(
    model: str, dataset: str, mixes: Sequence[Mix], judges: Iterable[str], languages: Sequence[str]
) -> tuple[Contrast, ...]:
    """Return what another judge changes, for each judge of a panel."""
    return tuple(
        contrast
        for judge in judges
        for contrast in _rejudged(
            Family.JUDGES, judged_by(judge), f"{judge} - the study's judge", (model, dataset), mixes, languages
        )
    )


def panel_contrasts(contrasts: Iterable[Contrast], known: Collection[ArmKey]) -> tuple[Contrast, ...]:
    """Return the contrasts by the mean of all judges; of `known` arms, as what was judged elsewhere has none."""
    said = judged_together("mean")
    found = (
        msgspec.structs.replace(
            row,
            name=f"{row.name}, mean of the panel",
            family=Family.PANEL,
            primary=False,
            treatment=tuple(key._replace(arm=key.arm + said) for key in row.treatment),
            control=tuple(key._replace(arm=key.arm + said) for key in row.control),
        )
        for row in contrasts
        if row.family.choice == "mean"
    )
    return tuple(row for row in found if {*row.treatment, *row.control} <= set(known))


def _rejudged(
    family: Family,
    otherwise: str,
    said: str,
    trained_on: tuple[str, str],
    mixes: Sequence[Mix],
    languages: Sequence[str],
) -> Iterator[Contrast]:
    """Each mix on all languages, and all mixes together on each: the rejudged arms minus what they repeat."""
    names = tuple(mix.canonical for mix in mixes)
    sides: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
    sides = [(name, (name,), tuple(languages)) for name in names]
    if len(names) > 1:
        sides += [(f"all mixes, in {language}", names, (language,)) for language in languages]
    for title, arms, on in sides if languages else ():
        yield Contrast(
            name=f"{title}: {said}",
            family=family,
            model=trained_on[0],
            dataset=trained_on[1],
            treatment=tuple(ArmKey(*trained_on, name + otherwise) for name in arms),
            control=tuple(ArmKey(*trained_on, name) for name in arms),
            on=on,
        )
