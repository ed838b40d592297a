"""What no retry can mend is told at once, in one line, with what to do, and without a secret."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import botocore.auth
import pytest

from polyglot.core.errors import PolyglotError, Refused, StoreError
from polyglot.store.directory import DirectoryStore
from polyglot.store.doctor import examine
from polyglot.store.s3 import S3Store
from tests.kit.proxy import Answer, FaultProxy
from tests.kit.versitygw import Bucket

SECRET = "wrong-and-still-a-secret"


def refusal(operation: Callable[[], object]) -> str:
    """The message of a refusal, which must come at once."""
    began = time.monotonic()
    with pytest.raises(Refused) as told:
        operation()
    assert time.monotonic() - began < 15, "not tried again and again"
    message = str(told.value)
    assert "\n" not in message
    assert SECRET not in message
    return message


def operations(store: S3Store, tmp_path: Path) -> list[Callable[[], object]]:
    (tmp_path / "large").write_bytes(b"x" * (9 * 2**20))
    return [
        lambda: store.read("a"),
        lambda: store.create("a", b"x"),
        lambda: list(store.list("")),
        lambda: store.upload("a", tmp_path / "large"),
        lambda: store.download("a", tmp_path / "target"),
    ]


def test_a_wrong_secret_is_told_and_not_printed(bucket: Bucket, tmp_path: Path) -> None:
    for operation in operations(bucket.store(secret_key=SECRET), tmp_path):
        message = refusal(operation)
        assert "403 SignatureDoesNotMatch" in message
        assert "secret key" in message


def test_an_unknown_access_key_is_told(bucket: Bucket, tmp_path: Path) -> None:
    for operation in operations(bucket.store(access_key="nobody", secret_key=SECRET), tmp_path):
        assert "the store does not know this access key" in refusal(operation)


def test_a_missing_bucket_is_told(bucket: Bucket, tmp_path: Path) -> None:
    store = S3Store("no-such-bucket", settings=bucket.gateway.settings())
    for operation in operations(store, tmp_path):
        assert "there is no such bucket" in refusal(operation)


def test_a_wrong_clock_here_is_told(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = botocore.auth.get_current_datetime
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: real() - timedelta(hours=2))
    for operation in operations(bucket.store(), tmp_path):
        message = refusal(operation)
        assert "RequestTimeTooSkewed" in message
        assert "clock of this machine" in message


def test_a_forbidden_operation_is_told_with_what_to_grant(bucket: Bucket, tmp_path: Path) -> None:
    with FaultProxy(bucket.gateway) as proxy:
        proxy.inject(Answer(403, "AccessDenied"))
        for operation in operations(bucket.store(endpoint=proxy.endpoint), tmp_path):
            assert "grant read, write, list and delete" in refusal(operation)
        assert len(proxy.seen) == 5, "asked once each"


def test_nobody_at_the_endpoint_is_told_soon(bucket: Bucket) -> None:
    store = bucket.store(endpoint="http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(StoreError, match="nobody answers at this endpoint"):
        store.read("a")
    assert time.monotonic() - began < 15, "long before the deadline of a store that is known"


def test_no_credentials_are_told_with_the_ways_to_give_them(bucket: Bucket) -> None:
    code = (
        "from polyglot.store.locate import open_store\n"
        "from polyglot.core.errors import Refused\n"
        "try:\n    open_store('s3://abc').read('a')\n"
        "except Refused as error:\n    print(error)\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "POLYGLOT_"))}
    extra = {
        "AWS_ENDPOINT_URL_S3": bucket.gateway.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_CONFIG_FILE": "/nonexistent",
    }
    said = subprocess.run(
        [sys.executable, "-c", code], env={**kept, **extra}, check=True, capture_output=True, text=True
    )
    assert "no credentials: set AWS_ACCESS_KEY_ID" in said.stdout
    assert "POLYGLOT_S3_SECRET_KEY_FILE" in said.stdout


def test_the_doctor_stops_at_a_refusal_and_says_it(bucket: Bucket) -> None:
    (finding,) = examine(bucket.store(secret_key=SECRET))
    assert not finding.ok
    assert "SignatureDoesNotMatch" in finding.detail
    assert SECRET not in finding.detail


def test_the_doctor_notices_a_wrong_clock(tmp_path: Path) -> None:
    class Late(DirectoryStore):
        def now(self) -> datetime:
            return super().now() - timedelta(minutes=7)

    bad = [finding for finding in examine(Late(tmp_path)) if not finding.ok]
    assert [finding.name for finding in bad] == ["store: clock"]
    assert "s ahead of the store's" in bad[0].detail
    assert "Set the clock" in bad[0].remedy


def test_a_directory_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = DirectoryStore(tmp_path / "file" / "below")
    with pytest.raises(PolyglotError):
        store.create("a", b"x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_of_someone_else_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Refused, match="owner and mode"):
        DirectoryStore(tmp_path).create("a", b"x")


def test_a_file_system_without_hard_links_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(Refused, match="no hard links"):
        DirectoryStore(tmp_path).create("a", b"x")
    bad = {finding.name for finding in examine(DirectoryStore(tmp_path)) if not finding.ok}
    assert bad == {"store: write and read back"}
