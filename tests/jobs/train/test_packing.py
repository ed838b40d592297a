"""Packing: sequences that waste little, and samples that do not see each other."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional
from transformers import AttentionInterface, AutoModelForCausalLM, BloomConfig, MambaConfig, XGLMConfig

from jobs.lib.model.execution import computing
from jobs.lib.token_set import TokenSet
from jobs.train import isolation
from jobs.train import job as train
from jobs.train.batches import collate, micro_batches, sequences
from jobs.train.head import TargetLoss
from jobs.train.mixture import Mixture
from jobs.train.packing import pack, pack_step
from polyglot.core.errors import Permanent
from tests.kit.model_jobs import ARCHITECTURES, gpt2_like
from tests.kit.training import context_of, digests, prepare, record

# known to ignore positions that begin anew, in the transformers of the lock: should one pass, its support has come
ATTENDING_ACROSS = (
    BloomConfig(vocab_size=64, hidden_size=16, n_layer=2, n_head=2),
    XGLMConfig(vocab_size=64, d_model=16, num_layers=2, attention_heads=2, ffn_dim=32),
    MambaConfig(vocab_size=64, hidden_size=16, num_hidden_layers=2),
)
LENGTHS = st.lists(st.integers(1, 50), max_size=80)


class TestPack:
    @given(lengths=LENGTHS)
    def test_keeps_every_sample_once_and_overfills_nothing(self, lengths: list[int]) -> None:
        found = pack(lengths, 50)
        assert sorted(number for sequence in found for number in sequence) == list(range(len(lengths)))
        assert all(0 < sum(lengths[number] for number in sequence) <= 50 for sequence in found)

    @given(lengths=LENGTHS)
    def test_is_best_fit_decreasing(self, lengths: list[int]) -> None:
        assert pack(lengths, 50) == slow_pack(lengths, 50)

    @given(lengths=LENGTHS)
    def test_needs_at_most_11_ninths_of_the_least_and_two(self, lengths: list[int]) -> None:
        """Johnson's bound, against the least that any packing could do."""
        assert len(pack(lengths, 50)) <= 11 / 9 * -(-sum(lengths) // 50) + 2

    @given(lengths=LENGTHS)
    def test_of_a_step_keeps_every_sample_once_in_no_more_sequences(self, lengths: list[int]) -> None:
        plain, even = (
            [sum(lengths[number] for number in sequence) for sequence in method(lengths, 50)]
            for method in (pack, pack_step)
        )
        found = pack_step(lengths, 50)
        assert sorted(number for sequence in found for number in sequence) == list(range(len(lengths)))
        assert len(even) <= len(plain)
        assert max(even, default=0) <= 50
        if len(even) == len(plain):
            assert max(even, default=0) <= max(plain, default=0)

    def test_of_a_step_fills_what_best_fit_leaves(self) -> None:
        lengths = [9, 5, 5, 4, 4, 3, 3, 3, 3]
        assert (len(pack(lengths, 10)), len(pack_step(lengths, 10))) == (5, 4)

    def test_of_a_step_shortens_the_longest(self) -> None:
        assert pack([90, 90, 30, 10, 10], 200) == [[0, 1, 3, 4], [2]]
        assert sorted(map(sorted, pack_step([90, 90, 30, 10, 10], 200))) == [[0, 3, 4], [1, 2]]

    def test_fills_the_fullest_sequence_that_has_room(self) -> None:
        assert pack([6, 5, 3, 4, 2], 10) == [[0, 3], [1, 2, 4]]

    def test_refuses_what_does_not_fit(self) -> None:
        with pytest.raises(ValueError, match="a sample of 11 tokens does not fit into a sequence of 10"):
            pack([3, 11], 10)


def slow_pack(lengths: list[int], capacity: int) -> list[list[int]]:
    found: list[list[int]] = []
    filled: list[int] = []  # sequences by when they were last filled, the newest last
    for number in sorted(range(len(lengths)), key=lambda number: (-lengths[number], number)):
        rooms = {at: capacity - sum(lengths[i] for i in found[at]) for at in filled}
        best = min(
            (at for at in reversed(filled) if rooms[at] >= lengths[number]), key=lambda at: rooms[at], default=None
        )
        if best is None:
            best = len(found)
            found.append([])
        else:
            filled.remove(best)
        found[best].append(number)
        filled.append(best)
    return found


@pytest.fixture(params=ARCHITECTURES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Mixture]:
    tokenizer = gpt2_like() if request.param == "gpt2" else None
    inputs = prepare(tmp_path, request.param, tokenizer)
    tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
    mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
    with torch.no_grad():
        for parameter in model.parameters():  # attention that matters: fresh weights hardly look at anything
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return model, mixture


def gradients(model: Any, mixture: Mixture, *, packed_tokens: int | None, limit: int, ranks: int = 1) -> Any:
    """Loss and gradients of one step, as the trainer makes them."""
    model.zero_grad(set_to_none=True)
    loss = TargetLoss(model)
    total = 0.0
    for rank in range(ranks):
        for batch in micro_batches(
            mixture,
            range(len(mixture)),
            max_tokens=limit,
            pad_id=2,
            packed_tokens=packed_tokens,
            rank=rank,
            ranks=ranks,
        ):
            part = loss(model, batch) / int(mixture.supervised.sum())
            part.backward()
            total += part.item()
    found = torch.cat([parameter.grad.reshape(-1) for parameter in model.parameters() if parameter.grad is not None])
    return total, found


class TestIsolation:
    @pytest.mark.parametrize("attention", ["sdpa", "eager"])
    @pytest.mark.parametrize(("packed_tokens", "limit", "ranks"), [(200, 200, 1), (140, 10_000, 1), (120, 1, 3)])
    def test_loss_and_gradients_equal_those_of_samples_apart(
        self, world: tuple[Any, Mixture], attention: str, packed_tokens: int, limit: int, ranks: int
    ) -> None:
        model, mixture = world
        model.set_attn_implementation(attention)
        with computing(1, deterministic=True):
            loss, expected = gradients(model, mixture, packed_tokens=None, limit=1)
            packed, found = gradients(model, mixture, packed_tokens=packed_tokens, limit=limit, ranks=ranks)
        assert len(sequences(mixture, range(len(mixture)), packed_tokens)) < len(mixture)
        assert packed == pytest.approx(loss, rel=1e-5)
        assert torch.allclose(found, expected, rtol=1e-3, atol=1e-5 * expected.abs().max().item())

    @pytest.mark.parametrize("attention", ["sdpa", "eager"])
    def test_a_sample_changes_no_logit_of_another(self, world: tuple[Any, Mixture], attention: str) -> None:
        model, mixture = world
        model.eval()
        model.set_attn_implementation(attention)
        row = max(sequences(mixture, range(len(mixture)), 200), key=len)
        batch = collate(mixture, [row], pad_id=2, packed=True)
        assert batch.positions is not None
        places = torch.arange(batch.input_ids.shape[1])
        borders = [*(batch.positions[0] == 0).nonzero().flatten().tolist(), len(places)]
        assert len(borders) == len(row) + 1
        loss = TargetLoss(model)
        with torch.no_grad():
            before = loss.logits(model, batch.input_ids, places, batch.positions)
            for start, end in zip(borders, borders[1:], strict=False):
                changed = batch.input_ids.clone()
                changed[0, start:end] = (changed[0, start:end] + 5) % 300
                after = loss.logits(model, changed, places, batch.positions)
                moved = (after - before).abs().amax(dim=1) > 0
                assert moved[start:end].all()
                assert not moved[:start].any()
                assert not moved[end:].any()

    def test_is_tried_before_training(self, world: tuple[Any, Mixture]) -> None:
        model, _ = world
        model.train()
        isolation.check(TargetLoss(model), model, half=False)
        assert model.training

    @pytest.mark.parametrize("config", ATTENDING_ACROSS, ids=lambda config: config.model_type)
    def test_that_a_model_does_not_keep_is_said(self, config: Any) -> None:
        model = AutoModelForCausalLM.from_config(config)
        with pytest.raises(Permanent, match="does not keep packed samples apart .* Set packing to none"):
            isolation.check(TargetLoss(model), model, half=False)


class TestKernelsBySequence:
    """The flash kernels need a GPU; here a reference stands for them, which is told the same."""

    calls = 0

    def attention(self, module: Any, query: Any, key: Any, value: Any, mask: Any, **told: Any) -> Any:
        assert mask is None
        repeated = query.shape[1] // key.shape[1]
        if "cu_seq_lens_q" not in told:  # rows of one sample each
            borders = [0, query.shape[2]]
        else:
            assert query.shape[0] == 1
            borders = told["cu_seq_lens_q"].tolist()
            assert told["cu_seq_lens_k"].tolist() == borders
            longest = max(end - start for start, end in zip(borders, borders[1:], strict=False))
            assert told["max_length_q"] == told["max_length_k"] == longest
            self.calls += 1
        parts = [
            functional.scaled_dot_product_attention(
                query[:, :, start:end],
                key[:, :, start:end].repeat_interleave(repeated, 1),
                value[:, :, start:end].repeat_interleave(repeated, 1),
                is_causal=True,
                scale=told["scaling"],
            )
            for start, end in zip(borders, borders[1:], strict=False)
        ]
        return torch.cat(parts, dim=2).transpose(1, 2), None

    def test_are_told_where_each_sequence_begins(self, world: tuple[Any, Mixture]) -> None:
        model, mixture = world
        with computing(1, deterministic=True):
            loss, expected = gradients(model, mixture, packed_tokens=None, limit=1)
            AttentionInterface.register("flash_reference", self.attention)
            model.config._attn_implementation = "flash_reference"
            packed, found = gradients(model, mixture, packed_tokens=140, limit=10_000)
        assert self.calls
        assert packed == pytest.approx(loss, rel=1e-5)
        assert torch.allclose(found, expected, rtol=1e-3, atol=1e-5 * expected.abs().max().item())

    def test_that_are_not_there_are_an_error_that_says_so(self, tmp_path: Path) -> None:
        settings = {"attention": "flash_attention_2"}
        context = context_of(tmp_path / "run", prepare(tmp_path), packing="step", packed_tokens=200, settings=settings)
        with pytest.raises(Permanent, match="attention: flash_attention_2 computes on a GPU alone, .* Take sdpa"):
            train.run(context)


class TestTraining:
    def test_of_packed_steps_ends_where_that_of_samples_apart_does(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        found = []
        for packing in ({}, {"packing": "step", "packed_tokens": 160}):
            context = context_of(tmp_path / "run", inputs, steps=8, batch_size=6, **packing)
            train.run(context)
            found.append(record(context))
        apart, packed = found
        assert packed["loss"] == pytest.approx(apart["loss"], rel=1e-4)
        said = packed.pop("packing")
        assert packed.keys() == apart.keys()
        assert packed["samples"] == apart["samples"] == 48
        lengths = TokenSet(inputs["tokens:DE"] / "tokens.arrow").lengths
        assert said["sequence_tokens"] == 160
        assert said["efficiency"] <= said["padded_efficiency"] <= 1
        assert said["efficiency"] == pytest.approx(said["tokens"] / (160 * said["sequences"]), abs=1e-4)
        assert 48 * lengths.min() <= said["tokens"] <= 48 * lengths.max()
        assert 8 <= said["sequences"] < 48

    def test_is_the_same_each_time(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        found = []
        for _ in range(2):
            context = context_of(tmp_path / "run", inputs, packing="step", packed_tokens=200)
            train.run(context)
            found.append(digests(context))
        assert found[0] == found[1]

    def test_refuses_samples_longer_than_a_sequence(self, tmp_path: Path) -> None:
        context = context_of(tmp_path / "run", prepare(tmp_path), packing="step", packed_tokens=20)
        with pytest.raises(
            Permanent, match="12 samples are longer than the 20 tokens of a packed sequence, the longest"
        ):
            train.run(context)

    def test_refuses_packing_without_a_length(self, tmp_path: Path) -> None:
        context = context_of(tmp_path / "run", prepare(tmp_path), packing="step")
        with pytest.raises(Permanent, match="packing step: got no packed_tokens"):
            train.run(context)
