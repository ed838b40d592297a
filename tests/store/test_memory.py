"""Files far larger than the memory that they may take pass through both stores."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.damage import random_file
from tests.kit.versitygw import Bucket

FILE_BYTES = 300 * 2**20
# of the resident memory beyond what the imports take: eight parts of 8 MiB, buffers, and slack for the allocator
BOUND_BYTES = 160 * 2**20

PROGRAM = """
import resource, sys
from pathlib import Path
from polyglot.store.blobs import fetch, put_file
from polyglot.store.locate import open_store

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

store, source = open_store(sys.argv[1]), Path(sys.argv[2])
list(store.list(""))  # loads the client's model of S3
before = peak()
record = put_file(store, source, "weights")
up = peak()
fetch(store, record, source.with_name("target"))
assert len(record.chunks) == 5
print(before, up, peak())
"""


@pytest.mark.parametrize("kind", ["directory", "s3"])
def test_a_large_file_passes_in_bounded_memory(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    environment = dict(os.environ)
    url = f"file://{tmp_path}/store"
    if kind == "s3":
        bucket: Bucket = request.getfixturevalue("bucket")
        environment |= bucket.gateway.environment()
        url = bucket.url
    source = random_file(tmp_path / "source", FILE_BYTES)
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM, url, source], env=environment, check=True, capture_output=True, text=True
    )
    before, after_upload, after_download = map(int, said.stdout.split())
    assert after_upload - before < BOUND_BYTES < FILE_BYTES
    assert after_download - before < BOUND_BYTES
    assert (tmp_path / "target").stat().st_size == FILE_BYTES
