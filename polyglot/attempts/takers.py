"""Results that rest on another stage's replies: who took what it had paid for."""

import logging

from polyglot.core.errors import Corrupt
from polyglot.kinds.registry import KINDS
from polyglot.store.committed import committed
from polyglot.store.futures import concurrently
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store

_READERS = 32
log = logging.getLogger("polyglot.takers")


def takers(store: Store, kind: str, key: str) -> list[tuple[Manifest, int]]:
    """Return the committed results that took replies of a stage, and how many of each, the most first.

    Reads the manifests of all kinds that ask others; damaged ones are passed over.
    """

    def read(stage: tuple[str, str]) -> Manifest | None:
        try:
            return committed(store, *stage)
        except Corrupt as error:
            log.warning("passed over: %s", error)
            return None

    asking = [name for name in store.folders("stages/") if name in KINDS and KINDS[name].networked]
    stages = [(name, other) for name in asking for other in store.folders(f"stages/{name}/")]
    found = concurrently(read, stages, _READERS)
    taken = ((manifest, replies_of(manifest).get(f"{kind}/{key}", 0)) for manifest in found if manifest is not None)
    return sorted(((manifest, calls) for manifest, calls in taken if calls), key=lambda pair: -pair[1])


def replies_of(manifest: Manifest) -> dict[str, int]:
    """How many replies a result took of each other stage ("judge/ab12…")."""
    said = manifest.volatile.get("reused_from")
    return {str(origin): int(calls) for origin, calls in said.items()} if isinstance(said, dict) else {}
