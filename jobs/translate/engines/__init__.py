"""One file an engine; `open_engine` finds the one that the parameters name. Heavy libraries are imported by need.

A new engine is a file, a case below, its name and traits in kinds/translate.py, and the keys that mean something to it
in study/translation.py.
"""

from typing import assert_never

from jobs.lib.context import Context
from jobs.translate.engines.engine import Engine
from polyglot.kinds.translate import TranslateParams


def open_engine(params: TranslateParams, context: Context) -> Engine:
    """Return the engine, ready to translate. Raises Permanent when it cannot be had here."""
    match params.engine:
        case "identity":
            from jobs.translate.engines.engine import Identity

            return Identity()
        case "apertium":
            from jobs.translate.engines.apertium import Apertium

            return Apertium(params, context)
        case "deepl":
            from jobs.translate.engines.deepl import DeepL

            return DeepL(params, context)
        case "openai":
            from jobs.translate.engines.openai import OpenAI

            return OpenAI(params, context)
        case "marian" | "nllb":
            from jobs.translate.engines.neural import Neural

            return Neural(params, context)
    assert_never(params.engine)
