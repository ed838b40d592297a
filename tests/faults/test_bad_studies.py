"""Fault 31: whole studies with a defect each are told of it in the documented lines, before anything that trains.

All stages that the studies have in common are made once, and all studies run in one engine: two minutes in all.
"""

import json

import pytest

from tests.kit.bad_studies import LINES
from tests.kit.bad_studies.provoke import Told, provoke_all

EXPECTED = {row.pop("name"): row for row in json.loads(LINES.read_text(encoding="utf-8"))}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    return provoke_all(tmp_path_factory.mktemp("bad"))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", EXPECTED)
def test_a_bad_study_gets_its_lines_and_nothing_costly_starts(told: dict[str, Told], name: str) -> None:
    found, expected = told[name], EXPECTED[name]
    assert list(found.lines) == expected["lines"]
    assert (found.code, list(found.by)) == (expected["code"], expected["by"])
    assert found.code
    assert found.started == ()


def test_there_are_forty_and_each_is_documented(told: dict[str, Told]) -> None:
    assert told.keys() == EXPECTED.keys()
    assert len(told) >= 40
