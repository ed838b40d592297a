"""Fixtures that several folders of tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.kit.versitygw import bucket, gateway
from tools.versitygw import BUILD_SECONDS

__all__ = ["bucket", "gateway"]

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that needs the S3 server may have to build it."""
    for item in items:
        if "gateway" in getattr(item, "fixturenames", ()) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect tests/cluster only where it was named: `make test` needs no cluster."""
    cluster = Path(__file__).parent / "cluster"
    named = any(cluster in [path, *path.parents] for path in _named_paths(config))
    return True if collection_path == cluster and not named else None


def _named_paths(config: pytest.Config) -> list[Path]:
    return [(config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args]
