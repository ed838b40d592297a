"""The line in which a worker says why it ended: where it goes, how long it is, and what is never in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.worker import reason

SECRET = "a-sentinel-secret"


def test_the_line_arrives_bounded_and_without_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    file, log = tmp_path / "reason", tmp_path / "log"
    reason.say(file, f"two\nlines with {SECRET} " + "ü" * 4000)
    log.write_text("an older and longer text" * 100)
    reason.tell(reason.said(file), to=log)
    line = log.read_bytes()
    assert line.decode().startswith("two lines with [secret] üüü")
    assert len(line) <= 4096
    assert SECRET.encode() not in line


def test_a_termination_log_is_never_made(tmp_path: Path) -> None:
    """Outside of a container there is none."""
    reason.tell("x", to=tmp_path / "absent")
    reason.say(tmp_path / "no" / "folder", "x")
    assert list(tmp_path.iterdir()) == []
    assert reason.said(tmp_path / "absent") == ""


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
