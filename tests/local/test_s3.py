"""The same plan on a directory and on a real S3 server: equal keys, equal results, the log archived, secrets unseen."""

import signal

import pytest

from polyglot.engine.engine import run
from polyglot.engine.logs import merged_logs
from tests.kit.graphs import diamonds
from tests.kit.proxy import FaultProxy, Stall
from tests.kit.versitygw import Bucket
from tests.kit.world import QUICK, World, end, tell, until


def test_a_bucket_gives_the_results_of_a_directory(
    plain: World, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = diamonds(0.0)
    plain.run(stages)
    wanted = plain.results(stages)

    secrets = bucket.gateway.environment()
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    from polyglot.store.committed import committed
    from polyglot.store.locate import open_store

    store = open_store(bucket.url)
    other = World(plain.root / "other", warm=True)
    other.root.mkdir()
    with other.scheduler() as scheduler:
        summary = run(stages, store, scheduler, limits=QUICK)
    assert summary.committed == len(stages)
    found = {planned.label: committed(store, planned.stage.kind, planned.key) for planned in stages}
    assert {label: manifest.result if manifest else None for label, manifest in found.items()} == wanted
    lines = list(merged_logs(stages, store))
    assert sum(": committed as " in line for line in lines) == len(stages)

    # the secret key is in no object, no log and no file that running left behind
    secret = next(value for name, value in secrets.items() if "SECRET" in name).encode()
    for folder in (bucket.folder, other.root):
        for path in folder.rglob("*"):
            assert not path.is_file() or secret not in path.read_bytes(), path


def test_a_store_that_does_not_answer_does_not_keep_a_driver_that_is_asked_twice(
    plain: World, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultProxy(bucket.gateway) as proxy:
        for name, value in {**bucket.gateway.environment(), "AWS_ENDPOINT_URL_S3": proxy.endpoint}.items():
            monkeypatch.setenv(name, value)
        # a request that is not answered would last ten minutes: what ends is ended by the second signal
        driver = plain.drive("slow", store=f"s3://{bucket.name}", patient=True, POLYGLOT_STORE_TIMEOUT_SECONDS="600")
        try:
            until(lambda: plain.executions())
            proxy.inject(Stall(), method="GET")
            asked = len(proxy.seen)
            until(lambda: any(request.method == "GET" for request in proxy.seen[asked:]))
            tell(driver.pid, signal.SIGINT)
            tell(driver.pid, signal.SIGINT)
            assert driver.wait(40) == 130
        finally:
            end(driver)
