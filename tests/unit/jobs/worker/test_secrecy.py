"""What a process was given as a secret is in none of its messages."""

import io
import logging
from pathlib import Path

import pytest

from jobs.worker.secrecy import _FILES, _VALUES, Formatter, without_secrets

TOKEN = "hf_sentinelQx71Lm04Rz"


def test_files_and_variables_are_known_and_read_anew_when_they_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert without_secrets(f"Bearer {TOKEN}") == f"Bearer {TOKEN}"
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-sentinel")
    assert without_secrets(f"{TOKEN} sk-sentinel, {TOKEN}x") == "[secret] [secret], [secret]x"
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "absent"))
    assert without_secrets(TOKEN) == TOKEN


@pytest.mark.parametrize("name", [*_FILES, *_VALUES])
def test_every_variable_that_may_hold_one_is_known(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text(TOKEN)
    monkeypatch.setenv(name, str(file) if name in _FILES else TOKEN)
    assert without_secrets(f"no: {TOKEN}!") == "no: [secret]!"


def test_short_ones_make_no_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    assert without_secrets("there is none") == "there is none"


def test_a_traceback_is_logged_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter("%(message)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        raise OSError(f"Bearer {TOKEN} may not")
    except OSError as error:
        logger.error("refused: %s", error, exc_info=error)
    assert stream.getvalue().count("Bearer [secret] may not") == 2
    assert TOKEN not in stream.getvalue()
