"""What a passed check found odd, and no defect: told when it is committed, before anything costly has begun."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from polyglot.core.errors import StoreError
from polyglot.core.stage import PlannedStage
from polyglot.kinds.check import CheckParams, CheckRecord
from polyglot.store.artifact import StoredArtifact
from polyglot.store.committed import committed
from polyglot.store.store import Store


def remarks_of(store: Store, planned: PlannedStage) -> Sequence[str]:
    """The remarks of a check that is committed; none of any other stage, and none while the store is away."""
    if planned.stage.kind != CheckParams.kind:
        return ()
    with contextlib.suppress(StoreError), TemporaryDirectory(prefix="polyglot-") as folder:
        manifest = committed(store, planned.stage.kind, planned.key)
        if manifest is not None:
            return StoredArtifact(store, manifest, Path(folder)).read("check.json", CheckRecord).remarks
    return ()
