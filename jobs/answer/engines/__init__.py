"""What computes answers: one file an engine, found by its name in a profile. Heavy libraries are imported by need.

A new engine is a file with a class of `engine.Engine`, a case below, and in kinds/answer.py its name, what it holds in
memory, and the environment of its workers where ours does not do.
"""

from typing import assert_never

from jobs.answer.engines.engine import Engine
from polyglot.kinds.answer import EngineName


def engine_class(name: EngineName) -> type[Engine]:
    """The class of an engine; nothing is loaded yet."""
    match name:
        case "transformers":
            from jobs.answer.engines.transformers import TransformersEngine

            return TransformersEngine
        case "vllm":
            from jobs.answer.engines.vllm import VllmEngine

            return VllmEngine
    assert_never(name)
