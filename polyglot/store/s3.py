"""A store in an S3 bucket: AWS, MinIO, Ceph, versitygw and whatever else honours `If-None-Match: *`.

Promises: `create` has exactly one winner, also when a reply is lost; everything is tried again under one deadline by
`retry`, by nobody else; transfers of many GB take bounded memory. The payload of each put is signed, so the server
refuses bytes that were damaged on their way. Not promised: stores that ignore preconditions; `doctor` names them.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from polyglot.core.errors import Missing, PolyglotError, StoreError
from polyglot.store.paths import check_prefix
from polyglot.store.retrying import Effort, Lost
from polyglot.store.s3_bucket import S3Bucket
from polyglot.store.s3_download import download
from polyglot.store.s3_errors import USE_PATH, USE_VIRTUAL
from polyglot.store.s3_upload import upload
from polyglot.store.store import Entry, Unfinished

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ListMultipartUploadsOutputTypeDef, ListObjectsV2OutputTypeDef

_PAGE = 1000
_SOON_SECONDS = 5.0
_CLOCK_SECONDS = 60.0  # a question every so often is enough for ages in days


class _Further(TypedDict, total=False):
    """Where a list of objects goes on, and what tells its folders."""

    Delimiter: str
    ContinuationToken: str


class _Marks(TypedDict, total=False):
    """Where a list of uploads goes on."""

    KeyMarker: str
    UploadIdMarker: str


class S3Store(S3Bucket):
    """Implements `Store`."""

    _asked: tuple[datetime | None, float] = (None, 0.0)  # the store's clock, and ours when it was read

    def read(self, path: str) -> bytes:
        """Return a small object whole. Raises Missing."""
        key = self.key(path)
        return self.retrier.call(
            f"get {path}", lambda: self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        )

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
        markers: _Marks = {}
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
        settings = self.settings
        patience = replace(settings.patience, deadline_seconds=min(settings.patience.deadline_seconds, _SOON_SECONDS))
        settings = replace(
            settings, timeout_seconds=min(settings.timeout_seconds, 2 * _SOON_SECONDS), patience=patience
        )
        return S3Store(self.bucket, self.prefix.rstrip("/"), url=self.url, settings=settings)

    def advice(self) -> str:
        """The other addressing style, where the store answers to it."""
        used = self.addressing_style
        for style, remedy in (("virtual", USE_VIRTUAL), ("path", USE_PATH)):
            if style != used:
                settings = replace(self.settings, addressing_style=style)
                other = S3Store(self.bucket, self.prefix.rstrip("/"), url=self.url, settings=settings).impatient()
                with suppress(PolyglotError):
                    other._ask_time()
                    return remedy
        return ""

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

    def _holds(self, path: str, data: bytes) -> bool:
        try:
            return self.read(path) == data
        except Missing:
            return False  # deleted since by a retraction: someone else's decision, not our put

    def _pages(self, prefix: str, delimiter: str = "") -> "Iterator[ListObjectsV2OutputTypeDef]":
        more: _Further = {"Delimiter": delimiter} if delimiter else {}
        while True:
            page = self.retrier.call(f"list {prefix}", lambda more=more: self._page(prefix, more))  # type: ignore[misc]
            yield page
            if not page.get("IsTruncated"):
                return
            more = {**more, "ContinuationToken": page["NextContinuationToken"]}

    def _page(self, prefix: str, more: _Further) -> "ListObjectsV2OutputTypeDef":
        return self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix + prefix, MaxKeys=_PAGE, **more)

    def _uploads(self, markers: _Marks) -> "ListMultipartUploadsOutputTypeDef":
        return self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=self.prefix, **markers)
