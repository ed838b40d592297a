"""What computes answers: one file an engine, found by its name in a profile. Heavy libraries are imported by need.

A new engine is a file with a class of `engine.Engine`, a case below, and its name in kinds/answer.py.
"""

from collections.abc import Mapping
from typing import Any, assert_never

from jobs.answer.engines.engine import Engine, Opening
from polyglot.kinds.answer import EngineName


def open_engine(name: EngineName, opening: Opening) -> Engine:
    """Return the engine with its model, ready to answer. Raises Permanent when it cannot be had here."""
    match name:
        case "transformers":
            from jobs.answer.engines.transformers import TransformersEngine

            return TransformersEngine(opening)
        case "vllm":
            from jobs.answer.engines.vllm import VllmEngine

            return VllmEngine(opening)
    assert_never(name)


def conditions(name: EngineName, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """What must be equal for answers of an engine to be of one run, as results and parts of shards record it."""
    match name:
        case "transformers":
            from jobs.answer.engines import transformers

            return transformers.conditions(settings)
        case "vllm":
            from jobs.answer.engines import vllm

            return vllm.conditions(settings)
    assert_never(name)
