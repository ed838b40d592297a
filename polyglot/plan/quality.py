"""Quality stages: one for each translation that a study has assessed, with the stage that translates it back."""

from collections.abc import Mapping

from polyglot.core.stage import PlannedStage
from polyglot.kinds.agree import AgreeParams
from polyglot.kinds.kind import File
from polyglot.kinds.quality import QualityParams
from polyglot.plan.planner import Planner
from polyglot.plan.sources import Sources
from polyglot.plan.translation import What, translate_stage
from polyglot.study.chat import asking_settings
from polyglot.study.lock import Locked
from polyglot.study.quality import PROMPT_VERSION, QualityCheck


def quality_stages(planner: Planner, locked: Locked, sources: Sources) -> dict[str, PlannedStage]:
    """Add the quality stages of a study, and the agreement where there are human ratings; by the report's roles."""
    checks = {check.name: _stage(planner, sources, check) for check in locked.study.quality}
    found = {f"quality:{name}": stage for name, stage in checks.items()}
    ratings = tuple(file for place, files in locked.files.items() if place[0] == "ratings" for file in files)
    if ratings:
        found["agree"] = agree_stage(planner, found, ratings)
    return found


def agree_stage(planner: Planner, checks: Mapping[str, PlannedStage], ratings: tuple[File, ...]) -> PlannedStage:
    """Add the stage that compares human ratings; `checks` are by role."""
    names = tuple(role.removeprefix("quality:") for role in checks)
    return planner.add("agree", AgreeParams(checks=names, ratings=ratings), checks)


def _stage(planner: Planner, sources: Sources, check: QualityCheck) -> PlannedStage:
    what, source, translated, reference = _rows(sources, check)
    inputs = {"source": source, "translated": translated}
    if reference is not None:
        inputs["reference"] = reference
    if what == "references":
        inputs["questions"] = sources.published["questions"]  # references have no categories of their own
    if check.back is not None:
        inputs["back"] = translate_stage(
            planner,
            f"translate back {check.name}",
            check.back,
            translated,
            what=what,
            source=check.to,
            target=check.source,
        )
    return planner.add(f"quality {check.name}", _params(check, what), inputs, settings=asking_settings(check.adequacy))


def _rows(sources: Sources, check: QualityCheck) -> tuple[What, PlannedStage, PlannedStage, PlannedStage | None]:
    """What is assessed, and the stages of source, translation and reference."""
    if check.data is not None:
        reference = None if check.reference is None else sources.rows[check.reference, check.to]
        return "dataset", sources.rows[check.data, check.source], sources.rows[check.data, check.to], reference
    part: What = "references" if check.benchmark == "references" else "questions"
    published = sources.published[part]
    made = published if check.published else sources.made.get((part, check.to), published)
    return part, published, made, published if check.reference is not None else None


def _params(check: QualityCheck, what: What) -> QualityParams:
    adequacy, comet = check.adequacy, check.comet
    asked = (
        {}
        if adequacy is None
        else {
            "adequacy_model": adequacy.model,
            "adequacy_prompt": PROMPT_VERSION,
            "adequacy_max_tokens": adequacy.max_tokens,
            "adequacy_seed": adequacy.seed,
            "adequacy_temperature": adequacy.temperature,
        }
    )
    learned = {} if comet is None else {"comet_model": comet.model, "comet_revision": comet.revision}
    return QualityParams.model_validate(
        {
            "what": what,
            "source": check.source,
            "target": check.to,
            "reference_is": check.reference_is,
            **asked,
            **learned,
        }
    )
