"""How a bucket is named in a request: as a path, as a host name, or below an endpoint's own path."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from polyglot.core.errors import Refused
from polyglot.store.doctor import examine
from polyglot.store.locate import open_store
from polyglot.store.s3 import S3Store
from tests.kit.proxy import Answer, Fault, FaultProxy, Reply, Request
from tests.kit.versitygw import Bucket

DOMAIN = "s3.test"


@dataclass
class VirtualOnly(Fault):
    """A server that knows buckets by their host name and refuses them in the path."""

    bucket: str
    code: str = "AccessDenied"

    def request(self, request: Request, proxy: FaultProxy) -> Reply | None:
        host = request.headers["host"].partition(":")[0]
        if host != f"{self.bucket}.{DOMAIN}":
            return Answer(403, self.code).request(request, proxy)
        request.path = f"/{self.bucket}{request.path}"
        proxy.sign(request)
        return None


@dataclass
class Below(Fault):
    """A server whose S3 interface begins below a path."""

    path: str

    def request(self, request: Request, proxy: FaultProxy) -> Reply | None:
        if not request.path.startswith(self.path + "/"):
            return Answer(404, "NotFound").request(request, proxy)
        request.path = request.path.removeprefix(self.path)
        proxy.sign(request)
        return None


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name below DOMAIN is this machine."""
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        ours = isinstance(host, str) and host.endswith(DOMAIN)
        return real("127.0.0.1" if ours else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def virtual(bucket: Bucket) -> Iterator[FaultProxy]:
    """Before the real server: buckets by host name only."""
    with FaultProxy(bucket.gateway) as proxy:
        proxy.inject(VirtualOnly(bucket.name))
        proxy.endpoint = proxy.endpoint.replace("127.0.0.1", DOMAIN)
        yield proxy


@pytest.fixture
def credentials(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a user whose endpoint and style come from elsewhere; returns the path of ~/.aws/config."""
    for name, value in bucket.gateway.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("POLYGLOT_STORE_DEADLINE_SECONDS", "10")
    return tmp_path / "config"


def passes(store: Any) -> bool:
    return all(finding.ok for finding in examine(store))


def test_a_store_of_host_names_is_used_by_its_addressing_style(
    bucket: Bucket, virtual: FaultProxy, credentials: Path
) -> None:
    assert passes(open_store(f"s3://{bucket.name}/below?endpoint={virtual.endpoint}&addressing_style=virtual"))


def test_the_style_of_the_aws_configuration_is_honoured(bucket: Bucket, virtual: FaultProxy, credentials: Path) -> None:
    credentials.write_text("[default]\ns3 =\n    addressing_style = virtual\n", encoding="utf-8")
    assert passes(open_store(f"s3://{bucket.name}?endpoint={virtual.endpoint}"))


def test_an_endpoint_of_the_aws_configuration_is_addressed_by_path(bucket: Bucket, credentials: Path) -> None:
    with FaultProxy(bucket.gateway) as proxy:  # under a name, which boto3 alone would put the bucket before
        endpoint = proxy.endpoint.replace("127.0.0.1", DOMAIN)
        credentials.write_text(f"[default]\nendpoint_url = {endpoint}\n", encoding="utf-8")
        assert open_store(f"s3://{bucket.name}").create("a", b"x")
        assert proxy.seen[0].path == f"/{bucket.name}/a"


@pytest.mark.parametrize("code", ["AccessDenied", "SecondLevelDomainForbidden", "SomethingOfTheirs"])
def test_the_doctor_tries_the_other_style_before_it_speaks_of_credentials(
    bucket: Bucket, virtual: FaultProxy, code: str
) -> None:
    virtual._rules.clear()
    virtual.inject(VirtualOnly(bucket.name, code))
    (finding,) = examine(bucket.store(endpoint=virtual.endpoint))
    assert not finding.ok
    assert "add ?addressing_style=virtual" in finding.remedy


def test_the_doctor_tries_paths_where_host_names_lead_nowhere(bucket: Bucket) -> None:
    store = bucket.store(addressing_style="virtual", endpoint=bucket.gateway.endpoint.replace("127.0.0.1", DOMAIN))
    finding = examine(store)[-1]
    assert "add ?addressing_style=path" in finding.remedy


def test_the_doctor_has_no_such_advice_for_wrong_credentials(bucket: Bucket) -> None:
    (finding,) = examine(bucket.store(secret_key="wrong"))
    assert "addressing" not in finding.remedy
    assert "SignatureDoesNotMatch" in finding.detail


def test_an_endpoint_below_a_path_is_used(bucket: Bucket, credentials: Path) -> None:
    with FaultProxy(bucket.gateway) as proxy:
        proxy.inject(Below("/storage/v1/s3"))
        store = open_store(f"s3://{bucket.name}/p?endpoint={proxy.endpoint}/storage/v1/s3")
        assert passes(store)
        assert proxy.seen[0].path.startswith(f"/storage/v1/s3/{bucket.name}")


def test_an_unknown_code_is_said_with_the_servers_words_and_no_other_remedy(bucket: Bucket) -> None:
    with FaultProxy(bucket.gateway) as proxy:
        proxy.inject(Answer(403, "QuotaOfTheirs"))
        store: S3Store = bucket.store(endpoint=proxy.endpoint)
        with pytest.raises(Refused) as told:
            store.read("a")
    assert "403 QuotaOfTheirs: injected" in str(told.value)
    assert "credentials" not in str(told.value)
