"""The rules of `findings`: what is declared can be found with the mixes that the study has."""

from collections.abc import Iterator

from polyglot.core.blending import LEAST_MIXES, Shares, find_components, is_identified, shares_of
from polyglot.core.section import Problem
from polyglot.study.study import Study


def finding_problems(study: Study) -> Iterator[Problem]:
    """Yield margins for which there is nothing to compare, and a model that the mixes do not tell."""
    findings = study.findings
    if findings.size_margin is not None:
        forms = [arm.form for arm in study.arms()]
        if len(set(forms)) == len(forms):
            place, remedy = ("findings", "size-margin"), "Add `sizes`, or remove it"
            yield Problem(what="no mix has several sizes", place=place, remedy=remedy)
    groups = [group for group in _by_size(study) if len(group) >= LEAST_MIXES]
    if findings.mixture_margin is not None and not groups:
        yield Problem(
            what="fewer than three mixes of one size that differ in shares of languages",
            place=("findings", "mixture-margin"),
            expected="monolingual mixes, sampled ones or mixes with weights; parallel ones have more rows",
            remedy="`polyglot init --design simplex` writes such mixes",
        )
    if findings.curvature == "quadratic":
        for group in groups:
            components = find_components(group)
            if components and not is_identified([components.terms(components.at(one), "quadratic") for one in group]):
                yield Problem(
                    what="the mixes do not tell every coefficient of the model",
                    place=("findings", "curvature"),
                    got=f"{len(group)} mixes of one size for {len(components.term_names('quadratic'))} coefficients",
                    remedy="Write `common`, or add sampled mixes of two languages",
                )
                return


def _by_size(study: Study) -> list[list[Shares]]:
    """The mixes by shares, those of one size together; sizes of which all are in one language are left out."""
    found: dict[int | None, list[Shares]] = {}
    for arm in study.arms():
        if (shares := shares_of(arm)) is not None:
            found.setdefault(arm.size, []).append(shares)
    return [group for group in found.values() if find_components(group) is not None]
