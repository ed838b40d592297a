"""Failpoints: where tests hold a worker until they have done it harm. POLYGLOT_HOLD names one, as kind:point:file."""

import os
import time
from pathlib import Path
from typing import Any

from polyglot.store.store import Store

HOLD = "POLYGLOT_HOLD"
POINTS = ("started", "claimed", "inputs", "ran", "blobs", "published")


def failpoint(kind: str, point: str) -> None:
    """Wait here when the environment says so."""
    wanted = os.environ.get(HOLD)
    if wanted is None:
        return
    wanted_kind, wanted_point, file = wanted.split(":", 2)
    if (wanted_kind, wanted_point) != (kind, point):
        return
    Path(f"{file}.reached").touch()
    while not Path(file).exists():
        time.sleep(0.02)


class HoldingStore:
    """Passes everything on, and holds where all blobs are stored and the manifest is not."""

    def __init__(self, store: Store, kind: str) -> None:
        self._store, self._kind = store, kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create(self, path: str, data: bytes) -> bool:
        """See Store."""
        if path.endswith("/manifest.json"):
            failpoint(self._kind, "blobs")
        return self._store.create(path, data)
