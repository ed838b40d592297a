"""What a GPU raises is no answer to a question about a model, and what only GPUs do is set up as it was tried."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import distributed
from torch.distributed import distributed_c10d
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel

from jobs.train import agreement, head, keeping, weights
from jobs.train.head import TargetLoss


@pytest.fixture
def model() -> PreTrainedModel:
    """With random weights."""
    sizes = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1}
    made: PreTrainedModel = AutoModelForCausalLM.from_config(LlamaConfig(**sizes, num_attention_heads=2))
    return made


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), torch.AcceleratorError("CUDA error")])
def test_a_head_that_was_tried_on_a_full_gpu_was_not_tried(model: PreTrainedModel, error: Exception) -> None:
    """Full logits would be taken in its place for the whole training, without a word."""

    def full(*_: Any) -> None:
        raise error

    model.get_output_embeddings().register_forward_hook(full)  # type: ignore[no-untyped-call]
    with pytest.raises(type(error)):
        TargetLoss(model)


def test_ranks_take_the_same_way_through_the_head(model: PreTrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one of them skips a pass in which the others wait for its slices."""
    said: list[tuple[bool, int]] = []
    answers = [True, False, False]

    def others_say(good: bool, ranks: int, device: torch.device) -> bool:
        said.append((good, ranks))
        return answers.pop(0)

    monkeypatch.setattr(head, "all_say", others_say)
    loss = TargetLoss(model, ranks=3)
    assert loss.picks_before_head
    assert not loss.splits_head
    loss = TargetLoss(model, ranks=3)
    assert said == [(True, 3)] * 3
    assert not loss.picks_before_head


def test_torch_makes_groups_of_gpus_by_its_first_implementation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.delenv("TORCH_DIST_USE_NCCL2", raising=False)
    made: list[Callable[..., Any]] = []
    monkeypatch.setattr(distributed_c10d.Backend, "register_backend", lambda name, create, **_: made.append(create))
    assert agreement._backend(offload=False) == "nccl"
    assert agreement._backend(offload=True) == "cpu:gloo,cuda:nccl"
    distributed_c10d._register_builtin_nccl_backend()
    assert made == [distributed_c10d._create_nccl_process_group]


def test_who_has_stored_its_part_waits_for_the_slowest_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's own half hour is less than hundreds of GB may take."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(distributed, "new_group", lambda **options: given.update(options))
    keeping._group()
    assert given == {"backend": "gloo", "timeout": timedelta(hours=12)}


def test_only_who_writes_copies_layers_into_the_machines_memory(
    model: PreTrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[torch.Tensor] = []
    original = torch.Tensor.to

    def counted(tensor: torch.Tensor, *where: Any) -> torch.Tensor:
        copied.append(tensor)
        return original(tensor, *where)

    monkeypatch.setattr(torch.Tensor, "to", counted)
    weights.write_weights(model, tmp_path, torch.float32, first=False)
    assert not copied
    weights.write_weights(model, tmp_path, torch.float32)
    assert len(copied) == len(model.state_dict())
