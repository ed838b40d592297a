from pathlib import Path

import pytest

from tests.kit.world import World


@pytest.fixture(params=[False, True], ids=["plain", "warm"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """With plain worker processes, and with forked ones."""
    return World(tmp_path, warm=request.param)


@pytest.fixture
def plain(tmp_path: Path) -> World:
    return World(tmp_path)
