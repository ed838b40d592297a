"""What libraries are told of GPUs; that torch knows it is in tests/jobs/worker."""

import os

import pytest

from jobs.worker.environment import ALLOCATOR, prepare_for_gpus

NAMES = ("NCCL_DEBUG", "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF")


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)


def found() -> dict[str, str]:
    return {name: os.environ[name] for name in NAMES if name in os.environ}


def test_what_is_not_said_is_set() -> None:
    prepare_for_gpus(own_torch=True)
    assert found() == {"NCCL_DEBUG": "WARN", "PYTORCH_ALLOC_CONF": ALLOCATOR}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "INFO")
    prepare_for_gpus(own_torch=True)
    assert os.environ[name] == "INFO"
    assert ("PYTORCH_ALLOC_CONF" in found()) == (name != "PYTORCH_CUDA_ALLOC_CONF")


def test_another_program_s_torch_is_left_alone() -> None:
    prepare_for_gpus(own_torch=False)
    assert found() == {"NCCL_DEBUG": "WARN"}


@pytest.mark.parametrize(
    ("version", "expected"), [("2.15.0+cu132", ALLOCATOR), ("2.9.1", None), ("3.0.0a0+git1", ALLOCATOR), ("own", None)]
)
def test_a_torch_that_may_not_know_it_is_not_told(
    version: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: version)
    prepare_for_gpus(own_torch=True)
    assert found().get("PYTORCH_ALLOC_CONF") == expected
