"""Keys of trackers that lie in files, as a cluster's Secret has them."""

import os
from pathlib import Path

import pytest

from jobs.train.trackers import read_keys
from jobs.worker.secrecy import without_secrets


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
    read_keys()
    assert os.environ["WANDB_API_KEY"] == "a-key-of-wandb"
    assert os.environ["MLFLOW_TRACKING_TOKEN"] == "another-token"
    assert os.environ["PATH"] != "/elsewhere"
    assert without_secrets("a-key-of-wandb, another-token") == "[secret], [secret]"


def test_nothing_is_set_where_no_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLYGLOT_TRACKER_KEYS", raising=False)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    read_keys()
    assert "WANDB_API_KEY" not in os.environ
