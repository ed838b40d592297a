"""One file an engine; `open_engine` finds the one that the parameters name. Heavy libraries are imported by need."""

from jobs.lib.context import Context
from jobs.lib.translate.engines.engine import Engine
from polyglot.core.errors import Permanent
from polyglot.spec.params import TranslateParams


def open_engine(params: TranslateParams, context: Context) -> Engine:
    """Return the engine, ready to translate. Raises Permanent when it cannot be had here."""
    del context
    if params.engine == "identity":
        from jobs.lib.translate.engines.identity import Identity

        return Identity()
    raise Permanent(f"engine: got {params.engine}; expected one that this version has")
