"""A real S3 server for tests: versitygw, which `tools.versitygw` builds once.

Fixtures: `gateway` (one server a session, on a free loopback port, its files in a temporary folder) and `bucket` (a
fresh bucket for each test). Without `go` and without a program built before, tests that need them skip by name.
"""

import ctypes
import functools
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from polyglot.store.retrying import Patience
from polyglot.store.s3 import S3Store
from polyglot.store.s3_bucket import S3Settings
from tests.kit.ports import free_port
from tools import versitygw

_PR_SET_PDEATHSIG = 1
# each client's session would read S3's whole description anew, which takes a tenth of a second
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A running server. `root` holds a directory for each bucket, with the objects as plain files."""

    endpoint: str
    root: Path
    access_key: str = "polyglot-test"
    secret_key: str = "a-secret-of-the-tests"

    def environment(self) -> dict[str, str]:
        """What a subprocess needs to reach the server."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def settings(self) -> S3Settings:
        """Patient enough for a busy machine, impatient enough for a test that fails."""
        return S3Settings(
            endpoint=self.endpoint,
            region="us-east-1",
            access_key=self.access_key,
            secret_key=self.secret_key,
            patience=Patience(deadline_seconds=20, unreachable_seconds=2, first_delay_seconds=0.02),
        )


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A fresh bucket of the server."""

    gateway: Gateway
    name: str

    @property
    def url(self) -> str:
        """`s3://name?endpoint=…`: needs the credentials of `gateway.environment()`."""
        return f"s3://{self.name}?endpoint={self.gateway.endpoint}"

    @property
    def folder(self) -> Path:
        """Where the server keeps the objects: tests damage and age them here."""
        return self.gateway.root / self.name

    def store(self, prefix: str = "", **changes: object) -> S3Store:
        """Open the bucket; `changes` are fields of S3Settings (endpoint, patience, timeout_seconds, …)."""
        return S3Store(self.name, prefix, settings=replace(self.gateway.settings(), **changes))  # type: ignore[arg-type]


def program() -> Path:
    """Return the server's program, building it when it is not there yet. Skips the test without `go`."""
    try:
        return versitygw.program()
    except versitygw.NotBuilt as error:
        pytest.skip(str(error))


@contextmanager
def serve(folder: Path) -> Iterator[Gateway]:
    """Run a server whose files lie below `folder` until the block ends."""
    executable = program()
    root, sidecar = folder / "buckets", folder / "metadata"
    for path in (root, sidecar):
        path.mkdir(parents=True)
    storage = ["posix"] if _has_attributes(root) else ["posix", "--sidecar", str(sidecar)]
    for _ in range(5):  # a port that was free may be taken before the server binds it
        gateway = Gateway(endpoint=f"http://127.0.0.1:{free_port()}", root=root)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [executable, "--port", gateway.endpoint.removeprefix("http://"), "--keep-alive", *storage, str(root)],
                env={**os.environ, "ROOT_ACCESS_KEY": gateway.access_key, "ROOT_SECRET_KEY": gateway.secret_key},
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads of ours hold locks here
            )
        try:
            if _listens(process, gateway):
                yield gateway
                return
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    raise RuntimeError(f"versitygw does not start: {(folder / 'log').read_text()[-2000:]}")


@contextmanager
def fresh_bucket(gateway: Gateway) -> Iterator[Bucket]:
    """Make a bucket of a new name; its files go with the server's folder."""
    made = Bucket(gateway=gateway, name=f"test-{uuid.uuid4().hex[:20]}")
    _maker(gateway).client.create_bucket(Bucket=made.name)
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


@functools.cache
def _maker(gateway: Gateway) -> S3Store:
    """Any store of the server: its client makes all buckets, as a client of its own would cost more than most tests."""
    return Bucket(gateway=gateway, name="none").store()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The session's S3 server."""
    with serve(tmp_path_factory.mktemp("versitygw")) as running:
        yield running


@pytest.fixture
def bucket(gateway: Gateway) -> Iterator[Bucket]:
    """A bucket that no other test uses."""
    with fresh_bucket(gateway) as made:
        yield made


def _listens(process: "subprocess.Popen[bytes]", gateway: Gateway) -> bool:
    """True when this process answers there, and not another one that took the port: its buckets are our folders."""
    port, deadline = int(gateway.endpoint.rpartition(":")[2]), time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    name = f"probe-{uuid.uuid4().hex[:20]}"
    client = Bucket(gateway=gateway, name=name).store().client
    # closed, as the server's end waits for connections that are kept
    with suppress(BotoCoreError, ClientError), closing(client):
        client.create_bucket(Bucket=name)
        ours = (gateway.root / name).is_dir()
        client.delete_bucket(Bucket=name)
        return ours and process.poll() is None
    return False


def _has_attributes(folder: Path) -> bool:
    """True when the file system keeps extended attributes, where the server wants its metadata."""
    try:
        os.setxattr(folder, "user.polyglot", b"1")
    except OSError:
        return False
    return True


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
