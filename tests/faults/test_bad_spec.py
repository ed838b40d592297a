"""Fault 1: a spec that is wrong ends in exit code 2 and its lines, before anything was called or written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.bad_inputs.studies import study_text

BAD = {
    "unknown key": ({"seed": "[0]"}, "study.yaml:8: seed: unknown key"),
    "wrong type": ({"training": "{steps: many}"}, "study.yaml:5: training.steps: bad value"),
    "NaN weight": ({"mixes": "['EN:nan,DE:1']"}, "study.yaml:4: mixes.0: bad mix name"),
    "negative weight": ({"mixes": "['EN:-1,DE:1']"}, "study.yaml:4: mixes.0: bad mix name"),
    "empty language": ({"mixes": "['']"}, "study.yaml:4: mixes.0: bad mix name"),
    "missing file": (
        {"datasets": f"{{d: {{format: dolly, files: {{EN: {{path: x, sha256: {'1a' * 32}}}}}}}}}", "mixes": "[EN]"},
        "study.yaml:3: datasets.d.files.EN.path: no such file",
    ),
}
# Nothing listens there: a single call to the store would end in exit code 1 and its address.
STORE = "s3://bucket?endpoint=http://127.0.0.1:9"


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("verb", ["submit", "plan"])
def test_a_bad_study_ends_in_exit_code_2_before_anything_is_called(tmp_path: Path, name: str, verb: str) -> None:
    changes, line = BAD[name]
    (tmp_path / "study.yaml").write_text(study_text(**changes), encoding="utf-8")
    command = [sys.executable, "-m", "polyglot", verb, "study.yaml"]
    environment = {**os.environ, "POLYGLOT_STORE": STORE, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"polyglot: {line}")
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]
