"""The same plan on a directory and on a real S3 server: equal keys, equal results, the log archived, secrets unseen."""

import pytest

from polyglot.run.engine import run
from polyglot.run.logs import merged_logs
from tests.kit.graphs import diamonds
from tests.kit.versitygw import Bucket
from tests.kit.world import QUICK, World


def test_a_bucket_gives_the_results_of_a_directory(
    plain: World, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = diamonds(0.0)
    plain.run(stages)
    wanted = plain.results(stages)

    secrets = bucket.gateway.environment()
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    from polyglot.artifacts.committed import committed
    from polyglot.artifacts.locate import open_store

    store = open_store(bucket.url)
    other = World(plain.root / "other", warm=True)
    other.root.mkdir()
    with other.backend() as backend:
        summary = run(stages, store, backend, limits=QUICK)
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
