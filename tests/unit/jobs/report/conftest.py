"""One report of a usual study for all tests of this folder in a process."""

from typing import Any

import pytest

from tests.kit.folder_input import FolderInput
from tests.kit.reports import USUAL, make, usual_contrasts


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, dict[str, FolderInput]]:
    return make(tmp_path_factory.mktemp("usual"), USUAL, (0, 1, 2), usual_contrasts(), notes=("Judged by rule.",))
