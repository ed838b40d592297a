"""Fault 8: 409, 429, 5xx, resets, stalled and broken bodies. One owner retries, with backoff, under one deadline."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    FlexibleChecksumError,
    MetadataRetrievalError,
    ProxyConnectionError,
    SSLError,
)

from polyglot.core.errors import Refused, StoreError
from polyglot.store.retrying import Patience
from polyglot.store.s3 import S3Store
from polyglot.store.s3_bucket import S3Settings
from polyglot.store.s3_errors import Verdict, judge
from polyglot.store.verify import hash_file
from tests.kit.damage import random_file
from tests.kit.proxy import Answer, Fault, FaultProxy, FlipBit, FlipRequestBit, Reset, Rival, Stall, Truncate
from tests.kit.versitygw import Bucket

TRANSIENT = [
    Answer(409, "OperationAborted"),
    Answer(429, "SlowDown"),
    Answer(429),
    Answer(500, "InternalError"),
    Answer(502),
    Answer(503, "SlowDown"),
    Answer(504),
    Answer(400, "RequestTimeout"),
    Reset(),
]


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[FaultProxy]:
    with FaultProxy(bucket.gateway) as running:
        yield running


@pytest.fixture
def store(bucket: Bucket, proxy: FaultProxy) -> S3Store:
    return bucket.store(endpoint=proxy.endpoint)


def name(fault: Fault) -> str:
    return repr(fault)


@pytest.mark.parametrize("fault", TRANSIENT, ids=name)
def test_every_operation_outlives_a_few_failures(
    store: S3Store, proxy: FaultProxy, bucket: Bucket, tmp_path: Path, fault: Fault
) -> None:
    bucket.store().create("there", b"there")
    (tmp_path / "f").write_bytes(b"file")
    operations: list[tuple[str, Callable[[], object], object]] = [
        ("GET", lambda: store.read("there"), b"there"),
        ("HEAD", lambda: getattr(store.head("there"), "bytes", None), 5),
        ("PUT", lambda: store.create("new", b"new"), True),
        ("GET", lambda: [entry.path for entry in store.list("")], ["new", "there"]),
        ("PUT", lambda: store.upload("file", tmp_path / "f"), None),
        ("GET", lambda: store.download("file", tmp_path / "g"), None),
        ("DELETE", lambda: store.delete("there"), None),
    ]
    for method, operation, expected in operations:
        if method == "HEAD" and fault == Answer(400, "RequestTimeout"):
            continue  # a reply to HEAD has no body that could tell this 400 from a refusal
        before = len(proxy.seen)
        proxy.inject(fault, method=method, times=3)
        assert operation() == expected
        assert len(proxy.seen) - before == 4, "three failures and one success: nobody else retries"
    assert (tmp_path / "g").read_bytes() == b"file"


@pytest.mark.parametrize("fault", [Stall(), Truncate(), Stall(after_bytes=0)], ids=name)
def test_a_body_that_stalls_or_breaks_off_is_asked_for_again(
    proxy: FaultProxy, bucket: Bucket, tmp_path: Path, fault: Fault
) -> None:
    store = bucket.store(endpoint=proxy.endpoint, timeout_seconds=1.0)
    bucket.store().create("there", b"0123456789abcdef")
    proxy.inject(fault, method="GET", times=2)
    assert store.read("there") == b"0123456789abcdef"
    proxy.inject(fault, method="GET", times=2)
    store.download("there", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"0123456789abcdef"


def test_a_broken_range_goes_on_where_it_stopped(
    store: S3Store, proxy: FaultProxy, bucket: Bucket, tmp_path: Path
) -> None:
    source = random_file(tmp_path / "source", 20 * 2**20)
    bucket.store().upload("large", source)
    proxy.inject(Truncate(after_bytes=9 * 2**20), method="GET", times=1)
    store.download("large", tmp_path / "target")
    assert hash_file(tmp_path / "target") == hash_file(source)
    asked = [request.headers["range"] for request in proxy.seen if request.method == "GET"]
    starts = sorted(int(text.removeprefix("bytes=").partition("-")[0]) for text in asked)
    assert (len(starts), starts[0], starts[2]) == (3, 0, 16 * 2**20)
    assert 4 * 2**20 <= starts[1] <= 9 * 2**20, "what had arrived is not asked for again (a reset eats what was unread)"


def test_a_multipart_upload_outlives_failures_of_its_parts(store: S3Store, proxy: FaultProxy, tmp_path: Path) -> None:
    source = random_file(tmp_path / "source", 30 * 2**20)
    proxy.inject(Answer(503, "SlowDown"), method="PUT", path="partNumber=2", times=3)
    proxy.inject(Reset(), method="PUT", path="partNumber=3", times=1)
    store.upload("large", source)
    store.download("large", tmp_path / "target")
    assert hash_file(tmp_path / "target") == hash_file(source)
    assert proxy.count("PUT", "partNumber") == 4 + 4


def test_a_multipart_upload_that_fails_for_good_is_aborted(
    store: S3Store, proxy: FaultProxy, bucket: Bucket, tmp_path: Path
) -> None:
    proxy.inject(Answer(403, "AccessDenied"), method="PUT", path="partNumber=2")
    with pytest.raises(StoreError, match="AccessDenied"):
        store.upload("large", random_file(tmp_path / "source", 30 * 2**20))
    assert list(bucket.store().unfinished()) == []
    assert store.head("large") is None


@pytest.mark.parametrize("fault", [Answer(409, "ConditionalRequestConflict"), Reset()], ids=name)
def test_a_conflict_while_a_rival_writes_is_a_lost_race(
    store: S3Store, proxy: FaultProxy, bucket: Bucket, fault: Fault
) -> None:
    proxy.inject(Rival(lambda: bucket.store().create("a", b"theirs")), method="PUT", times=1)
    proxy.inject(fault, method="PUT", times=1)
    assert not store.create("a", b"ours")
    assert store.read("a") == b"theirs"


def test_not_modified_is_a_lost_race(store: S3Store, proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.store().create("a", b"theirs")
    proxy.inject(Answer(304), method="PUT", times=1)
    assert not store.create("a", b"ours")


def test_bytes_damaged_on_their_way_here_heal(
    store: S3Store, proxy: FaultProxy, bucket: Bucket, tmp_path: Path
) -> None:
    from polyglot.store.blobs import fetch, put_bytes

    sha256 = put_bytes(bucket.store(), b"precious")
    proxy.inject(FlipBit(), method="GET", path=sha256, times=1)
    fetch(store, sha256, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"precious"
    assert proxy.count("GET", sha256) == 2


def test_bytes_damaged_on_their_way_there_are_refused_by_the_server_and_sent_again(
    store: S3Store, proxy: FaultProxy, bucket: Bucket, tmp_path: Path
) -> None:
    source = random_file(tmp_path / "source", 20 * 2**20)
    proxy.inject(FlipRequestBit(), method="PUT", path="partNumber=2", times=1)
    store.upload("large", source)
    assert proxy.count("PUT", "partNumber=2") == 2
    proxy.inject(FlipRequestBit(), method="PUT", path="small", times=1)
    assert store.create("small", b"small")
    bucket.store().download("large", tmp_path / "target")
    assert hash_file(tmp_path / "target") == hash_file(source)
    assert store.read("small") == b"small"


@pytest.mark.parametrize("fault", [Answer(503, "SlowDown"), Answer(429), Reset()], ids=name)
def test_a_failure_that_stays_ends_at_the_deadline(bucket: Bucket, proxy: FaultProxy, fault: Fault) -> None:
    patience = Patience(deadline_seconds=1.5, unreachable_seconds=1.5, first_delay_seconds=0.05, max_delay_seconds=0.2)
    store = bucket.store(endpoint=proxy.endpoint, patience=patience)
    proxy.inject(fault)
    for operation in (lambda: store.read("a"), lambda: store.create("a", b"x"), lambda: list(store.list(""))):
        began, seen = time.monotonic(), len(proxy.seen)
        with pytest.raises(StoreError, match=r"tried \d+ times") as told:
            operation()
        took = time.monotonic() - began
        assert 0.5 < took < 30
        assert 5 <= len(proxy.seen) - seen <= 5 + took / 0.05, "backoff, not a storm"
        assert "\n" not in str(told.value)


def test_a_connection_that_is_not_made_in_time_is_tried_again_and_is_no_refusal() -> None:
    patience = Patience(deadline_seconds=1.0, unreachable_seconds=1.0, first_delay_seconds=0.05, max_delay_seconds=0.2)
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # they fill the queue of the observer, which accepts nobody: who comes now hears nothing
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        endpoint = f"http://127.0.0.1:{full.getsockname()[1]}"
        settings = S3Settings(endpoint=endpoint, access_key="a", secret_key="b", timeout_seconds=0.4, patience=patience)
        with pytest.raises(StoreError, match=r"nobody answers at this endpoint.*tried \d+ times") as told:
            S3Store("bucket", settings=settings).read("a")
        assert not isinstance(told.value, Refused)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ConnectTimeoutError(endpoint_url="http://e"), Verdict.UNREACHABLE),
        (EndpointConnectionError(endpoint_url="http://e"), Verdict.UNREACHABLE),
        (ProxyConnectionError(proxy_url="http://p"), Verdict.UNREACHABLE),
        (SSLError(endpoint_url="https://e", error="EOF occurred in violation of protocol"), Verdict.UNREACHABLE),
        (SSLError(endpoint_url="https://e", error="certificate verify failed: unknown CA"), Verdict.REFUSED),
        (FlexibleChecksumError(error_msg="crc32"), Verdict.AGAIN),
        (MetadataRetrievalError(error_msg="timed out"), Verdict.AGAIN),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.value,
)
def test_only_what_stays_as_it_is_counts_as_refused(error: Exception, verdict: Verdict) -> None:
    assert judge(error) is verdict


def test_delays_grow_and_are_spread(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import HTTPClientError

    from polyglot.store import retrying as retry

    slept: list[float] = []
    monkeypatch.setattr(retry.time, "sleep", slept.append)
    retrier = retry.Retrier(name="s3://b", patience=Patience(first_delay_seconds=0.2, max_delay_seconds=5))
    for _ in range(40):
        effort = retry.Effort(retrier, "get a")
        for _ in range(8):
            effort.failed(HTTPClientError(error="x"))
    for turn, ceiling in enumerate([0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5]):
        of_turn = slept[turn::8]
        assert all(ceiling / 2 <= delay <= ceiling for delay in of_turn)
        assert len({round(delay, 6) for delay in of_turn}) > 20
