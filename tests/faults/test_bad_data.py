"""Fault 26, data: nothing to learn from ends the stage without a publication; bad rows are counted and shown."""

import hashlib
from pathlib import Path

from polyglot.core.stage import PlannedStage, Resources, Stage
from polyglot.kinds.ingest import IngestParams
from polyglot.kinds.kind import File
from polyglot.kinds.tokenize import TokenizeParams
from polyglot.store.blobs import blob_path
from polyglot.store.committed import committed
from polyglot.store.locate import open_store
from tests.kit.data_ingests import bactrian, json_lines
from tests.kit.world import World

MIB = 2**20
RESOURCES = Resources(memory_bytes=512 * MIB, grace_seconds=5)


def ingest_stage(world: World, rows: list[object]) -> PlannedStage:
    data = json_lines(rows)
    sha256 = hashlib.sha256(data).hexdigest()
    source = world.root / "rows.jsonl"
    source.write_bytes(data)
    open_store(world.url).upload(blob_path(sha256), source)
    file = File(sha256=sha256, bytes=len(data), name="rows.jsonl")
    params = IngestParams(what="dataset", languages=("EN",), source="files", format="bactrian-x", files={"EN": (file,)})
    stage = Stage(kind="ingest", version=params.version, params=params.document())
    return PlannedStage(stage=stage, label="ingest", resources=RESOURCES)


def tokenize_stage(rows: PlannedStage) -> PlannedStage:
    params = TokenizeParams(language="EN", system="", max_tokens=64, over_long="drop")
    stage = Stage(kind="tokenize", version=params.version, params=params.document(), inputs={"rows": rows.key})
    return PlannedStage(stage=stage, label="tokenize", resources=RESOURCES)


def test_data_without_one_good_row_end_their_branch_at_the_first_attempt(tmp_path: Path) -> None:
    world = World(tmp_path)
    rows = ingest_stage(world, [bactrian(1, output=""), bactrian(2, output=" "), "text"])
    world.run([rows, tokenize_stage(rows)], POLYGLOT_JOBS_PACKAGE="jobs")
    assert world.recorder.of("retrying") == []
    ((label, reason),) = world.recorder.of("failed")
    assert label == "ingest"
    assert "EN: none of 3 records was accepted: empty-output 2, wrong-type 1" in reason
    assert world.recorder.of("blocked") == [("tokenize", "ingest")]
    assert committed(world.store, "ingest", rows.key) is None


def test_bad_rows_among_good_ones_are_counted_in_the_manifest(tmp_path: Path) -> None:
    world = World(tmp_path)
    rows = ingest_stage(world, [bactrian(1), bactrian(2, output=""), bactrian(3)])
    world.run([rows], POLYGLOT_JOBS_PACKAGE="jobs")
    manifest = committed(world.store, "ingest", rows.key)
    assert manifest is not None
    assert manifest.metrics["rows"] == {"EN": 2}
    assert manifest.metrics["rejected"] == {"EN": 1}
    assert {record.path for record in manifest.files} == {"rows/EN.jsonl", "rejected.jsonl", "card.json"}
