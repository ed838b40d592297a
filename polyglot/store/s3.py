"""A store in an S3 bucket: AWS, MinIO, Ceph, versitygw and whatever else honours `If-None-Match: *`.

Promises: `create` has exactly one winner, also when a reply is lost; everything is tried again under one deadline by
`retry`, by nobody else; transfers of many GB take bounded memory. The payload of each put is signed, so the server
refuses bytes that were damaged on their way. Not promised: stores that ignore preconditions; `doctor` names them.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ProfileNotFound
from botocore.handlers import add_expect_header

from polyglot.core.errors import BadInput, Missing, StoreError
from polyglot.store.paths import check_path, check_prefix
from polyglot.store.retrying import Effort, Lost, Patience, Retrier
from polyglot.store.s3_download import download
from polyglot.store.s3_upload import upload
from polyglot.store.store import Entry, Unfinished

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CONNECTIONS = 64  # more than the threads that any caller here starts
_PAGE = 1000
_LARGE_BODY_BYTES = 2**20
_SOON_SECONDS = 5.0
_CLOCK_SECONDS = 60.0  # a question every so often is enough for ages in days


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """Where and as whom. Empty means: what boto3's own chain finds. `repr` hides the keys."""

    endpoint: str = ""
    region: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    timeout_seconds: float = 30.0  # of a connection, and of each wait for bytes
    patience: Patience = Patience()
    transfers: int = 8  # concurrent parts and ranges of this process, over all files


class S3Store:
    """Implements `Store`. One client for all threads."""

    def __init__(self, bucket: str, prefix: str = "", *, url: str = "", settings: S3Settings | None = None) -> None:
        """`prefix` has no slash at either end; `url` is how users named the store. No request is made."""
        settings = settings or S3Settings()
        self.bucket, self.prefix = bucket, f"{prefix}/" if prefix else ""
        self.url = url or f"s3://{bucket}/{prefix}".rstrip("/")
        self.client: S3Client = _client(settings)
        self.retrier = Retrier(name=self.url, patience=settings.patience)
        self._settings = settings
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._asked: tuple[datetime | None, float] = (None, 0.0)

    def read(self, path: str) -> bytes:
        """Return a small object whole. Raises Missing."""
        key = self.key(path)
        return self.retrier.call(
            f"get {path}", lambda: self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        )

    def head(self, path: str) -> Entry | None:
        """Return size and time of one object, or None."""
        key = self.key(path)
        try:
            found = self.retrier.call(f"head {path}", lambda: self.client.head_object(Bucket=self.bucket, Key=key))
        except Missing:
            return None
        return Entry(path=path, bytes=found["ContentLength"], modified=found["LastModified"].astimezone(UTC))

    def create(self, path: str, data: bytes) -> bool:
        """Put with `If-None-Match: *`; a lost race after a lost reply is settled by reading back."""
        key, effort, repeated = self.key(path), Effort(self.retrier, f"create {path}"), False
        while True:
            try:
                self.client.put_object(Bucket=self.bucket, Key=key, Body=data, IfNoneMatch="*")
            except Exception as error:
                try:
                    effort.failed(error)
                except Lost:
                    # only a put of ours that seemed to fail can have made the object before this answer
                    return repeated and self._holds(path, data)
                repeated = True
            else:
                self.retrier.note_answer()
                return True

    def list(self, prefix: str) -> Iterator[Entry]:
        """Yield the objects below a prefix, a page at a time."""
        for page in self._pages(check_prefix(prefix)):
            for found in page.get("Contents", ()):
                path = found["Key"].removeprefix(self.prefix)
                yield Entry(path=path, bytes=found["Size"], modified=found["LastModified"].astimezone(UTC))

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names below a prefix that have objects below them."""
        start = len(self.prefix) + len(check_prefix(prefix))
        pages = self._pages(prefix, delimiter="/")
        return sorted(found["Prefix"][start:-1] for page in pages for found in page.get("CommonPrefixes", ()))

    def delete(self, path: str) -> None:
        """Delete one object; what is not there is no error."""
        key = self.key(path)
        try:
            self.retrier.call(f"delete {path}", lambda: self.client.delete_object(Bucket=self.bucket, Key=key))
        except Missing:
            return

    def upload(self, path: str, source: Path) -> None:
        """Put a file: whole when small, else in concurrent parts; given up cleanly when a part fails for good."""
        upload(self, path, source)

    def download(self, path: str, target: Path, chunks: Sequence[str] = ()) -> None:
        """Fetch by concurrent ranges into a file beside the target, check the chunks as they arrive, rename."""
        download(self, path, target, chunks)

    def unfinished(self) -> Iterator[Unfinished]:
        """Yield the multipart uploads below our prefix that were neither completed nor aborted."""
        markers: dict[str, Any] = {}
        while True:
            page = self.retrier.call("list uploads", lambda markers=markers: self._uploads(markers))  # type: ignore[misc]
            for found in page.get("Uploads", ()):
                path = found["Key"].removeprefix(self.prefix)
                yield Unfinished(path=path, token=found["UploadId"], started=found["Initiated"].astimezone(UTC))
            if not page.get("IsTruncated"):
                return
            markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def abort(self, upload: Unfinished) -> None:
        """Abort a multipart upload; the server frees its parts."""
        try:
            self.retrier.call(
                f"abort {upload.path}",
                lambda: self.client.abort_multipart_upload(
                    Bucket=self.bucket, Key=self.prefix + upload.path, UploadId=upload.token
                ),
            )
        except Missing:
            return

    def impatient(self) -> "S3Store":
        """Return this store with little patience; nothing is shared with this one."""
        settings = self._settings
        patience = replace(settings.patience, deadline_seconds=min(settings.patience.deadline_seconds, _SOON_SECONDS))
        settings = replace(
            settings, timeout_seconds=min(settings.timeout_seconds, 2 * _SOON_SECONDS), patience=patience
        )
        return S3Store(self.bucket, self.prefix.rstrip("/"), url=self.url, settings=settings)

    def now(self) -> datetime:
        """The Date header of a reply (whole seconds), carried on by our monotonic clock for a minute."""
        with self._lock:
            date, at = self._asked
        if date is None or time.monotonic() - at > _CLOCK_SECONDS:
            date, at = self._ask_time(), time.monotonic()
            with self._lock:
                self._asked = (date, at)
        return date + timedelta(seconds=time.monotonic() - at)

    def _ask_time(self) -> datetime:
        reply = self.retrier.call(
            "ask the time", lambda: self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1)
        )
        date = reply["ResponseMetadata"]["HTTPHeaders"].get("date")
        if not date:
            raise StoreError(f"{self.url}: replies carry no Date header, so the store's clock is unknown")
        return parsedate_to_datetime(date).astimezone(UTC)

    def key(self, path: str) -> str:
        """The object's key in the bucket."""
        return self.prefix + check_path(path)

    @property
    def pool(self) -> ThreadPoolExecutor:
        """The threads of all transfers of this store together: they bound the memory of uploads."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._settings.transfers, thread_name_prefix="s3")
            return self._pool

    def _holds(self, path: str, data: bytes) -> bool:
        try:
            return self.read(path) == data
        except Missing:
            return False  # deleted since by a retraction: someone else's decision, not our put

    def _pages(self, prefix: str, delimiter: str = "") -> Iterator[dict[str, Any]]:
        more: dict[str, Any] = {"Delimiter": delimiter} if delimiter else {}
        while True:
            page = self.retrier.call(f"list {prefix}", lambda more=more: self._page(prefix, more))  # type: ignore[misc]
            yield page
            if not page.get("IsTruncated"):
                return
            more = {**more, "ContinuationToken": page["NextContinuationToken"]}

    def _page(self, prefix: str, more: dict[str, Any]) -> dict[str, Any]:
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix + prefix, MaxKeys=_PAGE, **more)
        return dict(found)

    def _uploads(self, markers: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=self.prefix, **markers))


def _client(settings: S3Settings) -> "S3Client":
    """One request is one try (`total_max_attempts` 1). Checksum trailers stay off where S3 does not demand them, as
    many servers do not know them; the signed SHA-256 of the payload guards it instead.
    """
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=min(10.0, settings.timeout_seconds),
        read_timeout=settings.timeout_seconds,
        max_pool_connections=_CONNECTIONS,
        tcp_keepalive=True,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if settings.endpoint else "auto", "payload_signing_enabled": True},
        user_agent_extra="polyglot",
    )
    try:
        session = boto3.session.Session(
            aws_access_key_id=settings.access_key or None, aws_secret_access_key=settings.secret_key or None
        )
        region = settings.region or session.region_name or "us-east-1"
        client = session.client("s3", config=config, endpoint_url=settings.endpoint or None, region_name=region)
    except ProfileNotFound as error:
        raise BadInput(str(error), where="AWS_PROFILE", remedy="Correct or unset AWS_PROFILE") from error
    # The client asks leave for every body; where a server or a proxy keeps silent that is a second for each small put.
    client.meta.events.unregister("before-call.s3", add_expect_header)
    client.meta.events.register("before-call.s3", _ask_leave_for_large_bodies)
    return client


def _ask_leave_for_large_bodies(params: dict[str, Any], **_: object) -> None:
    """`Expect: 100-continue` where a refusal (403, 503) saves sending the body."""
    body = params.get("body")
    if isinstance(body, BytesIO) and body.getbuffer().nbytes >= _LARGE_BODY_BYTES:
        params["headers"]["Expect"] = "100-continue"
