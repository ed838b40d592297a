"""A bucket as one process reaches it: its client, which tries once, who tries again, and the threads of transfers."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ProfileNotFound
from botocore.handlers import add_expect_header

from polyglot.core.errors import BadInput, Missing
from polyglot.store.paths import check_path
from polyglot.store.retrying import Patience, Retrier
from polyglot.store.store import Entry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CONNECTIONS = 64  # more than the threads that any caller here starts
_LARGE_BODY_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """Where and as whom. Empty means: what boto3's own chain finds. `repr` hides the keys."""

    endpoint: str = ""
    region: str = ""
    addressing_style: str = ""  # "path" (host/bucket/key) or "virtual" (bucket.host/key)
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    timeout_seconds: float = 30.0  # of a connection, and of each wait for bytes
    patience: Patience = Patience()
    transfers: int = 8  # concurrent parts and ranges of this process, over all files


class S3Bucket:
    """What requests need. One client for all threads."""

    def __init__(self, bucket: str, prefix: str = "", *, url: str = "", settings: S3Settings | None = None) -> None:
        """`prefix` has no slash at either end; `url` is how users named the store. No request is made."""
        settings = settings or S3Settings()
        self.bucket, self.prefix = bucket, f"{prefix}/" if prefix else ""
        self.url = url or f"s3://{bucket}/{prefix}".rstrip("/")
        self.client, self.addressing_style = _client(settings)
        self.retrier = Retrier(name=self.url, patience=settings.patience)
        self.settings = settings
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def head(self, path: str) -> Entry | None:
        """Return size and time of one object, or None."""
        key = self.key(path)
        try:
            found = self.retrier.call(f"head {path}", lambda: self.client.head_object(Bucket=self.bucket, Key=key))
        except Missing:
            return None
        return Entry(path=path, bytes=found["ContentLength"], modified=found["LastModified"].astimezone(UTC))

    def key(self, path: str) -> str:
        """The object's key in the bucket."""
        return self.prefix + check_path(path)

    @property
    def pool(self) -> ThreadPoolExecutor:
        """The threads of all transfers of this store together: they bound the memory of uploads."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.settings.transfers, thread_name_prefix="s3")
            return self._pool


def _client(settings: S3Settings) -> "tuple[S3Client, str]":
    """A client and its addressing style. It tries each request once (`total_max_attempts` 1).

    Checksum trailers stay off where S3 does not demand them, as many servers do not know them; the signed SHA-256 of
    the payload guards it instead.
    """
    core = botocore.session.Session()
    try:
        session = boto3.session.Session(
            aws_access_key_id=settings.access_key or None,
            aws_secret_access_key=settings.secret_key or None,
            botocore_session=core,
        )
        asked = settings.addressing_style or (core.get_scoped_config().get("s3") or {}).get("addressing_style", "")
        region = settings.region or session.region_name or "us-east-1"

        def client_of(style: str) -> "S3Client":
            config, endpoint = _config(settings, style), settings.endpoint or None
            return session.client("s3", config=config, endpoint_url=endpoint, region_name=region)

        # where nobody asks for a style: AWS's own choice, and paths elsewhere, as few servers have a host a bucket
        style = asked or ("path" if settings.endpoint else "auto")
        client = client_of(style)
        if not asked and not settings.endpoint and not _is_aws(client.meta.endpoint_url):  # ~/.aws/config names one
            style = "path"
            client = client_of(style)
    except ProfileNotFound as error:
        raise BadInput(str(error), where="AWS_PROFILE", remedy="Correct or unset AWS_PROFILE") from error
    # The client asks leave for every body; where a server or a proxy keeps silent that is a second for each small put.
    client.meta.events.unregister("before-call.s3", add_expect_header)
    client.meta.events.register("before-call.s3", _ask_leave_for_large_bodies)
    return client, style


def _config(settings: S3Settings, style: str) -> Config:
    return Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=min(10.0, settings.timeout_seconds),
        read_timeout=settings.timeout_seconds,
        max_pool_connections=_CONNECTIONS,
        tcp_keepalive=True,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": style, "payload_signing_enabled": True},  # type: ignore[arg-type]
        user_agent_extra="polyglot",
    )


def _is_aws(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def _ask_leave_for_large_bodies(params: dict[str, Any], **_: object) -> None:
    """`Expect: 100-continue` where a refusal (403, 503) saves sending the body."""
    body = params.get("body")
    if isinstance(body, BytesIO) and body.getbuffer().nbytes >= _LARGE_BODY_BYTES:
        params["headers"]["Expect"] = "100-continue"
