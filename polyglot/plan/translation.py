"""Translate stages: one for each language that a study has made of another."""

from collections.abc import Mapping
from typing import Literal

from polyglot.core.canonical import Json
from polyglot.core.stage import PlannedStage
from polyglot.kinds.kind import File
from polyglot.kinds.translate import TranslateParams
from polyglot.plan.planner import Planner
from polyglot.study.translation import KEYS, PROMPT_VERSION, Engine

What = Literal["dataset", "questions", "references"]


def translate_stage(
    planner: Planner,
    label: str,
    engine: Engine,
    rows: PlannedStage,
    *,
    what: What,
    source: str,
    target: str,
    files: tuple[File, ...] = (),
) -> PlannedStage:
    """Add the stage that makes `target` of `source`; `files` are those of a model that lies in a folder."""
    params = _params(engine, what, source, target, files)
    return planner.add(label, params, {"rows": rows}, settings=_prices(engine))


def _params(engine: Engine, what: What, source: str, target: str, files: tuple[File, ...]) -> TranslateParams:
    """Only what means something to the engine is written: the rest stays at its default, whatever the section has."""
    named = [name for name in KEYS[engine.engine] if name in TranslateParams.model_fields and name != "glossary"]
    given = {name: value for name in named if (value := getattr(engine, name)) is not None}
    return TranslateParams(
        what=what,
        source=source,
        target=target,
        engine=engine.engine,
        files=files,
        glossary=engine.glossary.get(target, {}),
        prompt=PROMPT_VERSION if engine.engine == "openai" else 0,
        **given,
    )


def _prices(engine: Engine) -> Mapping[str, Json]:
    """Prices and caps are settings: they bound and count the cost, and change no result."""
    names = (*engine.prices, "max_characters")
    return {name: value for name in names if (value := getattr(engine, name)) is not None}
