"""One report of a usual study for all tests of this folder in a process."""

import pytest

from tests.kit.reports import USUAL, Made, make, usual_contrasts


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("usual"), USUAL, (0, 1, 2), usual_contrasts(), notes=("Judged by rule.",))
