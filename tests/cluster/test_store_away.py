"""The store is down for a minute while a study runs: it ends well, and nothing that was committed is lost (fault 8)."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.cluster.installation import installed
from tests.kit.cluster.noop_study import images_of, submitted
from tests.kit.cluster.own_store import OwnStore, own_store
from tests.kit.cluster.target import Target
from tests.kit.graphs import diamonds
from tests.kit.world import World, end, exit_code, until

OUTAGE_SECONDS = 60


@pytest.fixture
def store(cluster: Target) -> Iterator[OwnStore]:
    if not cluster.own:
        pytest.skip("needs a store that nobody else uses: it is made in our own cluster")
    with own_store(cluster) as made:
        yield made


@pytest.mark.timeout(600)
def test_a_store_that_is_away_for_a_minute(store: OwnStore, noop_images: dict[str, str], tmp_path: Path) -> None:
    with installed(store.target, images_of(noop_images["worker"]), tmp_path) as installation:
        study = submitted(installation, diamonds(seconds=2))
        log = tmp_path / "driver.log"
        driver = installation.start(*study.drive, log=log)
        try:
            until(lambda: len(study.results()) >= 2, 120)
            before = study.results()
            store.take_away()
            time.sleep(OUTAGE_SECONDS)  # the fault itself
            assert driver.poll() is None, log.read_text()
            store.bring_back()
            assert exit_code(driver, 300) == 0, log.read_text()
        finally:
            end(driver)
        assert before.items() <= study.results().items()
        assert "looking again" in log.read_text()
        here = World(tmp_path / "here")
        here.root.mkdir()
        here.run(diamonds(seconds=2))
        assert study.results() == here.results(diamonds(seconds=2))
