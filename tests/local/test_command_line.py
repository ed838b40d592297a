"""The command line in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from polyglot.study.schema import study_schema
from tests.kit.desk import Desk

ROOT = Path(__file__).parents[2]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk.at(tmp_path, monkeypatch)


def test_data_is_utf_8_wherever_it_goes(desk: Desk) -> None:
    study = desk.study("one", systems="{EN: 'Größe 漢 🙂'}")
    done = subprocess.run(
        [sys.executable, "-m", "polyglot", "plan", str(study), "-o", "json", "--store", desk.url],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    rows = json.loads(done.stdout.decode("utf-8"))
    assert "Größe 漢 🙂" in json.dumps(rows, ensure_ascii=False)


def test_a_bug_s_line_says_how_to_see_more(desk: Desk) -> None:
    del desk
    code = "import polyglot.cli.app as a; a.app = lambda **_: 1 / 0; a.main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Run `polyglot --debug VERB …` and report it" in done.stderr


def test_make_takes_a_study_with_spaces_in_its_path() -> None:
    command = ["make", "-n", "plan", "STUDY=a b/my study.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert " plan 'a b/my study.yaml' " in done.stdout


def test_the_schema_is_printed_by_its_module() -> None:
    command = [sys.executable, "-m", "polyglot.study.schema"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert json.loads(printed) == study_schema()
