"""Fault 9: a store that refuses the worker's key: permanent at once, told without any store, the secret nowhere."""

from pathlib import Path

import pytest

from tests.kit.container import Container
from tests.kit.graphs import stage
from tests.kit.proxy import Answer, FaultProxy
from tests.kit.versitygw import Bucket
from tests.kit.world import until

REVOKED = "a-revoked-secret-that-nothing-prints"
SAYS = "the secret key is not the one of this access key"


@pytest.fixture
def keys(bucket: Bucket, tmp_path: Path) -> dict[str, str]:
    """The two files of a Secret, with a secret key that the store does not take."""
    values = {"ACCESS": bucket.gateway.access_key, "SECRET": REVOKED}
    for name, value in values.items():
        (tmp_path / name).write_text(value)
    return {f"POLYGLOT_S3_{name}_KEY_FILE": str(tmp_path / name) for name in values}


def check(one: Container, code: int, output: bytes) -> None:
    assert code == 42
    (line,) = one.termination_log.read_text().splitlines()
    assert SAYS in line
    written = output + b"".join(path.read_bytes() for path in one.root.rglob("*") if path.is_file())
    assert REVOKED.encode() not in written


@pytest.mark.parametrize("by_path", [False, True], ids=["inline", "by-path"])
def test_from_the_first_request_on(bucket: Bucket, keys: dict[str, str], tmp_path: Path, by_path: bool) -> None:
    """An order that is too large for a variable is read from the store, by the container itself."""
    one = Container(tmp_path / "container", stage("noop", "one"), bucket.url)
    fetched = {"POLYGLOT_REQUEST": "", "POLYGLOT_REQUEST_PATH": "x", "POLYGLOT_STORE": bucket.url}
    code, output = one.run(AWS_REGION="us-east-1", **keys, **(fetched if by_path else {}))
    check(one, code, output)


def test_in_the_middle_of_the_work(bucket: Bucket, tmp_path: Path) -> None:
    """The right to write is taken from a worker that runs: its failure record and its log are refused as well."""
    with FaultProxy(bucket.gateway) as proxy:
        url = f"s3://{bucket.name}?endpoint={proxy.endpoint}"
        one, hold = Container(tmp_path / "container", stage("noop", "one"), url), tmp_path / "hold"
        with one.started(**bucket.gateway.environment(), POLYGLOT_HOLD=f"noop:inputs:{hold}") as process:
            until(lambda: Path(f"{hold}.reached").exists())
            proxy.inject(Answer(403, "AccessDenied"), method="PUT", times=1000)
            hold.touch()
            output, _ = process.communicate(timeout=60)
    assert process.returncode == 42
    (line,) = one.termination_log.read_text().splitlines()
    assert "these credentials may not do this: grant read, write, list and delete below the prefix" in line
    assert bucket.gateway.secret_key.encode() not in output
