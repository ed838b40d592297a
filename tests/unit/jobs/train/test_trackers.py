"""Keys of trackers that lie in files, as a cluster's Secret has them."""

import os
from pathlib import Path

import pytest

from jobs.train.trackers import read_keys
from jobs.worker.secrecy import without_secrets
from polyglot.core.errors import BadInput


def test_files_become_variables_but_those_that_are_set_and_are_said_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "WANDB_API_KEY").write_text("a-key-of-wandb\n")
    (tmp_path / "MLFLOW_TRACKING_TOKEN").write_text("a-token-of-mlflow\n")
    (tmp_path / "PATH").write_text("/elsewhere")
    monkeypatch.setenv("POLYGLOT_TRACKER_KEYS", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "another-token")
    monkeypatch.setenv("WANDB_API_KEY", "")  # so that it is as it was afterwards
    monkeypatch.delenv("WANDB_API_KEY")
    read_keys("wandb")
    read_keys("mlflow")
    assert os.environ["WANDB_API_KEY"] == "a-key-of-wandb"
    assert os.environ["MLFLOW_TRACKING_TOKEN"] == "another-token"
    assert os.environ["PATH"] != "/elsewhere"
    assert without_secrets("a-key-of-wandb, another-token") == "[secret], [secret]"


def test_nothing_is_set_where_no_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLYGLOT_TRACKER_KEYS", raising=False)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    read_keys("wandb")
    assert "WANDB_API_KEY" not in os.environ


def test_a_key_that_cannot_be_read_is_named_and_others_are_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "MLFLOW_TRACKING_TOKEN").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setenv("POLYGLOT_TRACKER_KEYS", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN", raising=False)
    read_keys("wandb")
    read_keys("tensorboard")
    with pytest.raises(BadInput, match="MLFLOW_TRACKING_TOKEN: the key cannot be read; got UnicodeDecodeError"):
        read_keys("mlflow")
