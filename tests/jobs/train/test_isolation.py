"""That samples are kept apart is found out in bfloat16 too, where rounding is large, and errors of a device stay so."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, BloomConfig, LlamaConfig, MambaConfig, MixtralConfig

from jobs.train import isolation
from jobs.train.head import TargetLoss
from polyglot.core.errors import Permanent

_LLAMA = LlamaConfig(vocab_size=4000, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2)
_MIXTRAL = MixtralConfig(
    vocab_size=4000,
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=2,
    num_local_experts=8,
)


def made(config: Any) -> Any:
    """A model whose attention matters, as a trained one's does."""
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return model


class Noisy(TargetLoss):
    """Logits as a GPU's rounding leaves them: 3 % of their standard deviation off, otherwise for each shape."""

    size = 0.0

    def logits(self, model: Any, input_ids: torch.Tensor, *given: Any, **more: Any) -> torch.Tensor:
        found = super().logits(model, input_ids, *given, **more)
        self.size = self.size or 0.03 * found.float().std().item()
        return found + self.moved(found.shape, input_ids)

    def moved(self, shape: torch.Size, input_ids: torch.Tensor) -> torch.Tensor:
        return self.size * torch.randn(shape, generator=torch.Generator().manual_seed(input_ids.numel()))


class Rerouting(Noisy):
    """As a mixture of experts: rounding differs with the text too, and one token's expert is another one."""

    def moved(self, shape: torch.Size, input_ids: torch.Tensor) -> torch.Tensor:
        text = int(input_ids.sum())
        moved = self.size * torch.randn(shape, generator=torch.Generator().manual_seed(text))
        moved[text % len(moved)] *= 8
        return moved


class Forgetting(TargetLoss):
    """Positions are lost, so that each sample attends to those before it."""

    def logits(self, model: Any, input_ids: torch.Tensor, at: torch.Tensor, *_: Any, **more: Any) -> torch.Tensor:
        return super().logits(model, input_ids, at, **more)


@pytest.mark.parametrize("config", [_LLAMA, _MIXTRAL], ids=lambda config: config.model_type)
@pytest.mark.parametrize("check", [isolation.check, isolation.check_causal])
def test_bfloat16_alone_is_no_leak(config: Any, check: Callable[..., None]) -> None:
    model = made(config)
    check(TargetLoss(model), model, half=True)


@pytest.mark.parametrize(("config", "loss"), [(_LLAMA, Noisy), (_MIXTRAL, Noisy), (_MIXTRAL, Rerouting)])
def test_rounding_of_a_gpu_is_no_leak(config: Any, loss: type[TargetLoss]) -> None:
    model = made(config)
    isolation.check(loss(model), model, half=True)
    isolation.check_causal(loss(model), model, half=True)
    with pytest.raises(Permanent, match="does not keep packed samples apart"):
        isolation.check(loss(model), model, half=False)


@pytest.mark.parametrize("config", [_LLAMA, _MIXTRAL], ids=lambda config: config.model_type)
@pytest.mark.parametrize("half", [True, False])
def test_attention_across_samples_is_refused(config: Any, half: bool) -> None:
    model = made(config)
    with pytest.raises(Permanent, match="logits differ from those of the sample alone"):
        isolation.check(Forgetting(model), model, half=half)


@pytest.mark.parametrize(
    "config",
    [
        BloomConfig(vocab_size=64, hidden_size=16, n_layer=2, n_head=2),
        MambaConfig(vocab_size=64, hidden_size=16, num_hidden_layers=2),
    ],
    ids=lambda config: config.model_type,
)
def test_a_fresh_model_that_leaks_is_refused_in_bfloat16(config: Any) -> None:
    """Its attention hardly matters: what tells is that equal shapes give unequal logits."""
    model = AutoModelForCausalLM.from_config(config)
    with pytest.raises(Permanent, match="does not keep packed samples apart"):
        isolation.check(TargetLoss(model), model, half=True)


def test_a_model_that_sees_ahead_is_refused_in_bfloat16() -> None:
    model = made(_LLAMA)
    with pytest.raises(Permanent, match="sees the tokens behind the one that it predicts"):
        isolation.check_causal(Bidirectional(model), model, half=True)


class Bidirectional(TargetLoss):
    """The row is read with a mask that hides nothing."""

    def logits(self, model: Any, input_ids: torch.Tensor, at: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        length = input_ids.shape[1]
        mask = torch.zeros(1, 1, length, length, dtype=torch.bfloat16)
        found: torch.Tensor = model(input_ids=input_ids, attention_mask=mask, use_cache=False).logits
        return found[0].index_select(0, at)


@pytest.mark.parametrize("kind", [torch.OutOfMemoryError, torch.AcceleratorError])
@pytest.mark.parametrize("check", [isolation.check, isolation.check_causal])
def test_an_error_of_the_device_blames_no_model(kind: type[RuntimeError], check: Callable[..., None]) -> None:
    model = made(_LLAMA)

    class Failing(TargetLoss):
        def logits(self, *given: Any, **more: Any) -> torch.Tensor:
            raise kind("CUDA out of memory. Tried to allocate 2.00 GiB")

    loss = TargetLoss(model)
    loss.__class__ = Failing
    with pytest.raises(kind):
        check(loss, model, half=True)
    assert model.training
