"""A GPU that is there and not used is said: a run on a CPU in its place takes a hundred times as long."""

import glob

import pytest
import torch

from jobs.lib.model.execution import unused_gpus
from jobs.lib.model.loading import choose_device
from polyglot.core.errors import Permanent, PolyglotError
from polyglot.core.stage import PlannedStage, Resources, Stage
from polyglot.schedulers.local.budget import Budget

NO_CUDA = f"torch {torch.__version__} is built without CUDA"
CPU_TORCH = f"{NO_CUDA}: it computes on the CPU"


@pytest.mark.parametrize(
    ("asked", "devices", "hidden", "expected"),
    [
        (0, 0, False, ""),
        (0, 2, True, ""),  # the driver has hidden them from a stage that asks for none, and said so
        (0, 2, False, f"0 GPUs were asked for, 2 NVIDIA devices are there, and {CPU_TORCH}"),
        (1, 1, False, f"1 GPUs were asked for, 1 NVIDIA devices are there, and {CPU_TORCH}"),
        (1, 0, False, f"1 GPUs were asked for, no NVIDIA device is there, and {CPU_TORCH}"),
    ],
)
def test_a_worker_that_cannot_use_them(
    monkeypatch: pytest.MonkeyPatch, asked: int, devices: int, hidden: bool, expected: str
) -> None:
    monkeypatch.setattr(glob, "glob", lambda pattern: [f"/dev/nvidia{number}" for number in range(devices)])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("POLYGLOT_CPU_FOR_GPUS", "1")
    if hidden:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert unused_gpus(asked) == expected


def test_gpus_that_do_not_work_end_the_attempt_as_another_nodes_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight pods for a week on their CPUs would be a result, and no GPU hour of theirs was used."""
    monkeypatch.setattr(glob, "glob", lambda pattern: ["/dev/nvidia0"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.2")
    monkeypatch.delenv("POLYGLOT_CPU_FOR_GPUS", raising=False)
    with pytest.raises(
        PolyglotError, match=r"1 GPUs were asked for, 1 .* does not get CUDA to work .*nvidia-smi"
    ) as told:
        unused_gpus(1)
    assert not isinstance(told.value, Permanent)


@pytest.mark.parametrize(
    ("found", "expected"), [(1, ""), (4, "4 GPUs are there and 1 is used: a process computes on one")]
)
def test_a_worker_that_has_more_than_it_uses(monkeypatch: pytest.MonkeyPatch, found: int, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: found)
    assert unused_gpus(1) == expected


@pytest.mark.parametrize(
    ("found", "expected"), [(2, ""), (4, "4 GPUs are there and 2 are used: a process computes on one")]
)
def test_a_pod_of_several_processes(monkeypatch: pytest.MonkeyPatch, found: int, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: found)
    monkeypatch.setenv("POLYGLOT_LOCAL_RANKS", "2")
    assert unused_gpus(2) == expected


def test_a_process_computes_on_its_own_or_says_which_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert choose_device() == torch.device("cuda", 1)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(PolyglotError, match="GPU 2 is not there: CUDA sees 2") as told:
        choose_device()
    assert not isinstance(told.value, Permanent)  # another node may have it


def test_a_machine_whose_stages_ask_for_none() -> None:
    def stages(gpus: int) -> list[PlannedStage]:
        asks = Resources(gpus=gpus)
        return [
            PlannedStage(stage=Stage(kind=kind, version=1, params={}), label=kind, resources=asks)
            for kind in ("mix", "train", "answer")
        ]

    def notes(*gpus: str, asked: int) -> list[str]:
        return Budget(cpus=64, memory_bytes=2**40, gpus=gpus).notes(stages(asked))

    assert notes("0", "1", asked=0) == [
        "2 GPUs are there and not used by train, answer, which ask for none: `resources: {train: {gpus: 1}}` in the "
        "profile uses one"
    ]
    assert notes("0", asked=0)[0].startswith("1 GPU is there and not used by train, answer")
    assert notes("0", "1", asked=1) == notes(asked=0) == []
