"""Fixtures that several folders of tests share."""

import pytest

from tests.kit.versitygw import BUILD_SECONDS, bucket, gateway

__all__ = ["bucket", "gateway"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that needs the S3 server may have to build it."""
    for item in items:
        if "gateway" in getattr(item, "fixturenames", ()) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS))
