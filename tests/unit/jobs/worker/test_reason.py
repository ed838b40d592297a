"""The line in which a worker says why it ended: where it goes, how long it is, and what is never in it."""

from pathlib import Path

import pytest

from jobs.worker import secrecy

SECRET = "a-sentinel-secret"


def test_the_line_arrives_bounded_and_without_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    file, log = tmp_path / "reason", tmp_path / "log"
    secrecy.say(file, f"two\nlines with {SECRET} " + "ü" * 4000)
    log.write_text("an older and longer text" * 100)
    secrecy.tell(secrecy.said(file), to=log)
    line = log.read_bytes()
    assert line.decode().startswith("two lines with [secret] üüü")
    assert len(line) <= 4096
    assert SECRET.encode() not in line


def test_a_termination_log_is_never_made(tmp_path: Path) -> None:
    """Outside of a container there is none."""
    secrecy.tell("x", to=tmp_path / "absent")
    secrecy.say(tmp_path / "no" / "folder", "x")
    assert list(tmp_path.iterdir()) == []
    assert secrecy.said(tmp_path / "absent") == ""
