"""One file an engine; `open_engine` finds the one that the parameters name. Heavy libraries are imported by need."""

from jobs.lib.context import Context
from jobs.translate.engines.engine import Engine
from polyglot.kinds.translate import TranslateParams


def open_engine(params: TranslateParams, context: Context) -> Engine:
    """Return the engine, ready to translate. Raises Permanent when it cannot be had here."""
    if params.engine == "apertium":
        from jobs.translate.engines.apertium import Apertium

        return Apertium(params, context)
    if params.engine == "deepl":
        from jobs.translate.engines.deepl import DeepL

        return DeepL(params, context)
    if params.engine == "openai":
        from jobs.translate.engines.openai import OpenAI

        return OpenAI(params, context)
    if params.engine in ("marian", "nllb"):
        from jobs.translate.engines.neural import Neural

        return Neural(params, context)
    from jobs.translate.engines.engine import Identity

    return Identity()
