"""The line in which a container says why it ended."""

import os
import subprocess
import sys
from pathlib import Path

SECRET = "a-sentinel-secret"


def test_the_container_has_no_secret_in_its_output_either(tmp_path: Path) -> None:
    log = tmp_path / "termination-log"
    log.touch()
    store = {"POLYGLOT_REQUEST_PATH": "r.json", "POLYGLOT_STORE": f"ftp://{SECRET}/x", "AWS_SECRET_ACCESS_KEY": SECRET}
    command = [
        sys.executable,
        "-m",
        "jobs.worker.container",
        "--work",
        str(tmp_path / "work"),
        "--termination-log",
        str(log),
    ]
    done = subprocess.run(command, env={**os.environ, **store}, capture_output=True, text=True, check=False)
    assert done.returncode == 42
    for said in (done.stderr, log.read_text()):
        assert "ftp://[secret]/x" in said
        assert SECRET not in said
