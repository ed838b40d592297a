"""Fault 11: SIGKILL in the middle of an upload, or before the manifest. Readers see nothing; gc frees the room."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from polyglot.attempts import garbage as collecting
from polyglot.attempts.garbage import collect
from polyglot.store.directory import DirectoryStore
from polyglot.store.verify import hash_file
from tests.kit.damage import random_file
from tests.kit.proxy import FaultProxy, Throttle
from tests.kit.versitygw import Bucket

UPLOAD = """
import sys
from pathlib import Path
from polyglot.store.locate import open_store
open_store(sys.argv[1]).upload("blobs/x", Path(sys.argv[2]))
"""


def kill(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL


def test_a_killed_multipart_upload_is_invisible_and_is_aborted_by_gc(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, store = random_file(tmp_path / "source", 64 * 2**20), bucket.store()
    with FaultProxy(bucket.gateway) as proxy:
        proxy.inject(Throttle(bytes_per_second=2**18), path="partNumber=5")
        environment = {**os.environ, **bucket.gateway.environment(), "AWS_ENDPOINT_URL_S3": proxy.endpoint}
        process = subprocess.Popen([sys.executable, "-c", UPLOAD, f"s3://{bucket.name}", source], env=environment)
        try:
            deadline = time.monotonic() + 60
            while proxy.count("PUT", "partNumber=5") == 0:
                assert process.poll() is None, "the upload ended before it could be killed"
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            kill(process)
    assert store.head("blobs/x") is None
    assert list(store.list("")) == []
    (unfinished,) = store.unfinished()
    assert unfinished.path == "blobs/x"

    assert collect(store, dry_run=False).aborted_uploads == 0, "it may still go on elsewhere"
    monkeypatch.setattr(collecting, "UPLOAD_GRACE", timedelta(seconds=-5))
    assert collect(store, dry_run=True).aborted_uploads == 1
    assert len(list(store.unfinished())) == 1
    assert collect(store, dry_run=False).aborted_uploads == 1
    assert list(store.unfinished()) == []

    store.upload("blobs/x", source)
    store.download("blobs/x", tmp_path / "target")
    assert hash_file(tmp_path / "target") == hash_file(source)


def test_a_killed_copy_into_a_directory_is_invisible_and_is_removed_by_gc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies between the copy and the rename."""
    source, store = random_file(tmp_path / "source", 2**20), DirectoryStore(tmp_path / "store")
    code = f"import os\nfrom pathlib import Path\nPath.replace = lambda *_: os.kill(os.getpid(), {signal.SIGKILL})\n"
    ended = subprocess.run([sys.executable, "-c", code + UPLOAD, store.url, source], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert store.head("blobs/x") is None
    assert list(store.list("")) == []
    assert len(list(store.unfinished())) == 1
    assert collect(store, dry_run=False).aborted_uploads == 0
    monkeypatch.setattr(collecting, "UPLOAD_GRACE", timedelta(seconds=-5))
    assert collect(store, dry_run=False).aborted_uploads == 1
    assert list(store.unfinished()) == []
