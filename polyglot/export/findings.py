"""What a study found: the document of its report, read from the store."""

import tempfile
from pathlib import Path

from polyglot.core.stage import PlannedStage
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
