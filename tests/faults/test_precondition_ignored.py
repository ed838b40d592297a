"""Fault 7: a store that ignores preconditions. The doctor writes twice, sees it, and refuses the store by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from polyglot.core.errors import Refused
from polyglot.store.directory import DirectoryStore
from polyglot.store.doctor import examine, require_conditional_writes
from polyglot.store.s3 import S3Store
from tests.kit.proxy import FaultProxy, StripHeader
from tests.kit.versitygw import Bucket


@pytest.fixture
def careless(bucket: Bucket) -> Iterator[S3Store]:
    """A store in front of which the condition gets lost: the last writer wins there."""
    with FaultProxy(bucket.gateway) as proxy:
        proxy.inject(StripHeader("If-None-Match"))
        yield bucket.store(endpoint=proxy.endpoint)


def test_the_fault_is_real(careless: S3Store) -> None:
    assert careless.create("a", b"first")
    assert careless.create("a", b"second")
    assert careless.read("a") == b"second"


def test_the_doctor_names_the_store_and_the_remedy(careless: S3Store) -> None:
    bad = {finding.name: finding for finding in examine(careless) if not finding.ok}
    assert set(bad) == {"store: overwrite refused", "store: race"}
    assert careless.url in bad["store: overwrite refused"].detail
    assert "ignores preconditions" in bad["store: overwrite refused"].detail
    assert "conditional writes" in bad["store: overwrite refused"].remedy
    assert "racing writers win" in bad["store: race"].detail
    assert list(careless.list("")) == [], "nothing is left behind"


def test_a_run_refuses_it_before_it_starts(careless: S3Store) -> None:
    with pytest.raises(Refused, match=f"{careless.url} ignores preconditions"):
        require_conditional_writes(careless)
    assert list(careless.list("")) == []


def test_honest_stores_pass_every_check(bucket: Bucket, tmp_path: Path) -> None:
    for store in (bucket.store("p"), DirectoryStore(tmp_path / "store")):
        findings = examine(store)
        assert [finding.name for finding in findings if not finding.ok] == []
        assert len(findings) == 8
        require_conditional_writes(store)
        assert list(store.list("")) == [], "nothing is left behind"
