"""Uploads to S3: whole when small, else multipart with concurrent parts.

Memory: at most (transfers of the store) parts at once, over all files that are being uploaded. An upload that fails for
good is aborted; one whose process is killed is invisible to readers and is aborted later by `gc`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from polyglot.core.errors import Missing, StoreError
from polyglot.store.futures import gather
from polyglot.store.s3_bucket import S3Bucket

PART_BYTES = 8 * 2**20
_MAX_PARTS = 9000  # S3 allows 10,000


def upload(store: S3Bucket, path: str, source: Path) -> None:
    """Put a file under a path whose name is the content's digest, so that doing it twice is harmless."""
    size = source.stat().st_size
    if size <= PART_BYTES:
        store.pool.submit(_put, store, path, source).result()
        return
    upload_id = store.retrier.call(
        f"begin {path}", lambda: store.client.create_multipart_upload(Bucket=store.bucket, Key=store.key(path))
    )["UploadId"]
    with _abandoned_on_error(store, path, upload_id):
        parts = _put_parts(store, path, source, size, upload_id)
        try:
            store.retrier.call(
                f"complete {path}",
                lambda: store.client.complete_multipart_upload(
                    Bucket=store.bucket,
                    Key=store.key(path),
                    UploadId=upload_id,
                    MultipartUpload={"Parts": [{"PartNumber": i, "ETag": tag} for i, tag in enumerate(parts, 1)]},
                ),
            )
        except Missing:
            # the reply to a completion that worked was lost, and the repetition found no upload any more
            found = store.head(path)
            if found is None or found.bytes != size:
                raise StoreError(f"{store.url}: the upload of {path} vanished before it was completed") from None


def _put(store: S3Bucket, path: str, source: Path) -> None:
    body = source.read_bytes()
    store.retrier.call(
        f"put {path}", lambda: store.client.put_object(Bucket=store.bucket, Key=store.key(path), Body=body)
    )


def _put_parts(store: S3Bucket, path: str, source: Path, size: int, upload_id: str) -> list[str]:
    """Return the entity tags of all parts, in order."""
    step = max(PART_BYTES, -(-size // _MAX_PARTS))
    with source.open("rb") as file:

        def put(number: int) -> str:
            body = os.pread(file.fileno(), step, (number - 1) * step)
            if len(body) != min(step, size - (number - 1) * step):
                raise StoreError(f"{source}: the file became shorter while it was uploaded")
            return store.retrier.call(
                f"put part {number} of {path}",
                lambda: store.client.upload_part(
                    Bucket=store.bucket, Key=store.key(path), UploadId=upload_id, PartNumber=number, Body=body
                ),
            )["ETag"]

        return gather([store.pool.submit(put, number) for number in range(1, -(-size // step) + 1)])


@contextmanager
def _abandoned_on_error(store: S3Bucket, path: str, upload_id: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(StoreError):  # the first error is the one to tell; gc aborts what could not be aborted here
            store.retrier.call(
                f"abort {path}",
                lambda: store.client.abort_multipart_upload(
                    Bucket=store.bucket, Key=store.key(path), UploadId=upload_id
                ),
            )
        raise
