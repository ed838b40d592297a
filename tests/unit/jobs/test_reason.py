"""The line in which a worker says why it ended: where it goes, how long it is, and what is never in it."""

from pathlib import Path

import pytest

from jobs.lib import reason

SECRET = "a-sentinel-secret"


def test_every_secret_that_the_process_has_is_hidden(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\n")
    for name in ("POLYGLOT_S3_SECRET_KEY_FILE", "OPENAI_API_KEY_FILE", "DEEPL_AUTH_KEY_FILE"):
        assert reason.without_secrets(f"no: {SECRET}!", {name: str(file)}) == "no: [secret]!"
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "OPENAI_API_KEY", "DEEPL_AUTH_KEY", "HF_TOKEN"):
        assert reason.without_secrets(f"no: {SECRET}!", {name: SECRET}) == "no: [secret]!"


def test_what_is_no_secret_stays(tmp_path: Path) -> None:
    environment = {"OPENAI_API_KEY": "none", "HF_TOKEN": "", "DEEPL_AUTH_KEY_FILE": str(tmp_path / "absent")}
    assert reason.without_secrets("none of these", environment) == "none of these"


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
