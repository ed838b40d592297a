"""What a study found: the document of its report, read from the store."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from polyglot.core.stage import PlannedStage
from polyglot.kinds.aggregate import ContrastResult
from polyglot.kinds.report import Report, ReportParams
from polyglot.plan.plan import Plan
from polyglot.store.artifact import StoredArtifact
from polyglot.store.committed import committed
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store


def report_stage(plan: Plan) -> PlannedStage | None:
    """The stage that writes a plan's report of results; None for a plan without results."""
    found = (planned for planned in plan if planned.stage.kind == ReportParams.kind)
    return next((planned for planned in found if "aggregate" in planned.stage.inputs), None)


def report_manifest(store: Store, plan: Plan) -> Manifest | None:
    """The committed report of results; None where there is none yet. Raises StoreError for a store that fails."""
    planned = report_stage(plan)
    return committed(store, planned.stage.kind, planned.key) if planned else None


def findings_of(store: Store, plan: Plan) -> Report | None:
    """The document of the report of results; None where there is none yet. Raises StoreError, Corrupt."""
    manifest = report_manifest(store, plan)
    if manifest is None:
        return None
    with tempfile.TemporaryDirectory(prefix="polyglot-") as cache:
        return StoredArtifact(store, manifest, Path(cache)).read("report.json", Report)


def contrast_names(rows: Sequence[ContrastResult]) -> list[str]:
    """What contrasts are called beside each other: with what their sides have in common where that differs."""
    several = len({row.trained_on for row in rows}) > 1
    common = [", ".join(part for part in row.trained_on if part) if several else "" for row in rows]
    return [f"{row.name} ({of})" if of else row.name for row, of in zip(rows, common, strict=True)]
