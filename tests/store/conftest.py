"""Every test that takes `store` runs against both stores; `aged` makes an object old by the store's own clock."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from polyglot.store.directory import DirectoryStore
from polyglot.store.store import Store


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "directory":
        return DirectoryStore(tmp_path / "store")
    return request.getfixturevalue("bucket").store("some/prefix")


@pytest.fixture
def file_of(store: Store, request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """Where the bytes of an object lie on this machine: tests damage them there."""

    def locate(path: str) -> Path:
        if isinstance(store, DirectoryStore):
            return store.root / path
        return request.getfixturevalue("bucket").folder / "some/prefix" / path

    return locate


@pytest.fixture
def age(file_of: Callable[[str], Path]) -> Callable[[str, float], None]:
    """Make an object some days older."""

    def change(path: str, days: float) -> None:
        then = time.time() - days * 86400
        os.utime(file_of(path), (then, then))

    return change
