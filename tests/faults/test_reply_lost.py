"""Fault 5: a put commits, its reply is lost, the repetition is told that it came second. Reading back settles it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.store.committed import committed
from polyglot.store.s3 import S3Store
from polyglot.store.verify import hash_file
from tests.kit.damage import random_file
from tests.kit.proxy import Answer, DropReply, FaultProxy, Reset, Rival
from tests.kit.stages import commit, stage, write
from tests.kit.versitygw import Bucket


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[FaultProxy]:
    with FaultProxy(bucket.gateway) as running:
        yield running


@pytest.fixture
def store(bucket: Bucket, proxy: FaultProxy) -> S3Store:
    return bucket.store(endpoint=proxy.endpoint)


def test_a_committed_put_with_a_lost_reply_is_a_success(store: S3Store, proxy: FaultProxy) -> None:
    proxy.inject(DropReply(), method="PUT", times=1)
    assert store.create("a", b"ours")
    assert proxy.count("PUT") == 2
    assert store.read("a") == b"ours"


def test_replies_lost_again_and_again_are_still_one_success(store: S3Store, proxy: FaultProxy) -> None:
    proxy.inject(DropReply(), method="PUT", times=3)
    assert store.create("a", b"ours")
    assert proxy.count("PUT") == 4


def test_a_lost_read_back_is_read_again(store: S3Store, proxy: FaultProxy) -> None:
    proxy.inject(DropReply(), method="PUT", times=1)
    proxy.inject(DropReply(), method="GET", times=2)
    assert store.create("a", b"ours")


def test_an_error_after_the_commit_is_a_success_too(store: S3Store, bucket: Bucket, proxy: FaultProxy) -> None:
    proxy.inject(Rival(lambda: bucket.store().create("a", b"ours")), method="PUT", times=1)
    proxy.inject(Answer(500, "InternalError"), method="PUT", times=1)
    assert store.create("a", b"ours")


def test_a_rival_between_our_tries_wins(store: S3Store, bucket: Bucket, proxy: FaultProxy) -> None:
    proxy.inject(Rival(lambda: bucket.store().create("a", b"theirs")), method="PUT", times=1)
    proxy.inject(Reset(), method="PUT", times=1)
    assert not store.create("a", b"ours")
    assert store.read("a") == b"theirs"


def test_equal_bytes_of_a_rival_are_no_success_when_no_try_of_ours_failed(
    store: S3Store, bucket: Bucket, proxy: FaultProxy
) -> None:
    proxy.inject(Rival(lambda: bucket.store().create("a", b"equal")), method="PUT", times=1)
    assert not store.create("a", b"equal")


def test_a_manifest_whose_reply_is_lost_is_published_once(store: S3Store, proxy: FaultProxy, tmp_path: Path) -> None:
    proxy.inject(DropReply(), method="PUT", path="manifest.json", times=1)
    made = commit(store, stage(), write(tmp_path / "out", {"a": b"x"}))
    assert committed(store, "mix", stage().key) == made
    assert proxy.count("PUT", "manifest.json") == 2
    assert list(store.list(f"{stage().path}/retractions/")) == []


def test_a_claim_whose_reply_is_lost_is_one_start(store: S3Store, proxy: FaultProxy) -> None:
    proxy.inject(DropReply(), method="PUT", path="starts/", times=1)
    attempts = Attempts(store, stage())
    assert attempts.record_start(1, {"pod": "a"}) == 1
    assert attempts.starts(1) == 1


@pytest.mark.parametrize("step", ["?uploads", "partNumber=2", "uploadId"])
def test_a_multipart_upload_survives_lost_replies(store: S3Store, proxy: FaultProxy, tmp_path: Path, step: str) -> None:
    source = random_file(tmp_path / "source", 20 * 2**20)
    method = "PUT" if "part" in step else "POST"
    proxy.inject(DropReply(), method=method, path=step, times=1)
    store.upload("blobs/x", source)
    store.download("blobs/x", tmp_path / "target")
    assert hash_file(tmp_path / "target") == hash_file(source)
