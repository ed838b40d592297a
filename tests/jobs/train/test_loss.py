"""The loss of a training: what it is the mean of, and how it is computed in parts."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma2Config

from jobs.lib.model.execution import computing
from jobs.lib.token_set import TokenSet
from jobs.train import job as train
from jobs.train.batches import collate
from jobs.train.head import TargetLoss
from jobs.train.mixture import Mixture
from jobs.train.optimizers import optimizer_of
from polyglot.core.errors import Permanent
from polyglot.kinds.train import TrainParams
from tests.kit.model_jobs import (
    ARCHITECTURES,
    config_of,
    pad_is_eos,
)
from tests.kit.training import context_of, prepare, record
from tests.kit.training_losses import mean_loss, reference_loss, trainer_of


class TestLoss:
    def test_is_the_mean_over_supervised_tokens_of_the_step(self, tmp_path: Path) -> None:
        """Against transformers' own loss on the whole, unsplit step."""
        inputs = prepare(tmp_path, tokenizer=pad_is_eos())
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        with computing(1, deterministic=True):
            for limit in (1, 120, 100_000):
                model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
                trainer = trainer_of(model, mixture, limit)
                samples = trainer.order.step(0)
                expected = reference_loss(
                    AutoModelForCausalLM.from_pretrained(inputs["base"] / "model"), mixture, samples
                )
                assert trainer.step(0) == pytest.approx(expected, abs=2e-5)

    def test_gradients_do_not_depend_on_micro_batches(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        weights = []
        with computing(1, deterministic=True):
            for limit in (1, 100_000):
                model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
                trainer = trainer_of(model, mixture, limit)
                trainer._accumulate(trainer.order.step(0), 1)
                weights.append(torch.cat([parameter.grad.reshape(-1) for parameter in model.parameters()]))
        assert torch.allclose(weights[0], weights[1], rtol=1e-4, atol=1e-4 * weights[1].abs().max().item())

    @pytest.mark.parametrize("layout", [{}, {"packing": "step", "packed_tokens": 200}], ids=["padded", "packed"])
    @pytest.mark.parametrize("limit", [1, 100_000])
    def test_may_be_the_mean_of_the_means_of_unequal_groups(
        self, tmp_path: Path, limit: int, layout: dict[str, Any]
    ) -> None:
        """As trainers did that averaged over micro-batches; a sample drawn twice counts in both of its groups."""
        inputs = prepare(tmp_path)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(5)])
        grouped = {"loss_normalization": "micro-batches", "loss_micro_batch": 4, "batch_size": 7, **layout}
        with computing(1, deterministic=True):
            model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
            trainer = trainer_of(model, mixture, limit, **grouped)
            samples = trainer.order.step(0)
            groups = [samples[:4], samples[4:]]
            assert len(set(samples)) < len(samples)
            counts = [sum(int(mixture.supervised[number]) for number in group) for group in groups]
            assert counts[0] != counts[1]
            supervised = sum(counts)
            loss = trainer._accumulate(samples, *trainer._normalization(samples, supervised))
            found = torch.cat([parameter.grad.reshape(-1) for parameter in model.parameters()])

            plain = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
            means = [mean_loss(plain, mixture, group) for group in groups]
            expected = (means[0] + means[1]) / 2
            expected.backward()
            gradient = torch.cat([parameter.grad.reshape(-1) for parameter in plain.parameters()])
        assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
        assert torch.allclose(found, gradient, rtol=1e-4, atol=1e-4 * gradient.abs().max().item())
        over_tokens = sum(mean.item() * count for mean, count in zip(means, counts, strict=True)) / supervised
        assert loss.item() != pytest.approx(over_tokens, rel=2e-5)  # an untrained model's means are nearly alike

    def test_groups_change_the_whole_run_and_are_recorded_in_its_losses(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        over_tokens = context_of(tmp_path / "tokens-mean", inputs)
        each = context_of(tmp_path / "each", inputs, loss_normalization="micro-batches", loss_micro_batch=1)
        for context in (over_tokens, each):
            train.run(context)
        assert record(each)["loss"] != pytest.approx(record(over_tokens)["loss"], rel=1e-4)

    def test_the_gradients_norm_is_told_as_it_was_before_clipping(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        plain = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
        trainer = trainer_of(
            AutoModelForCausalLM.from_pretrained(inputs["base"] / "model"), mixture, 9, gradient_clip=0.1
        )
        mean_loss(plain, mixture, trainer.order.step(0)).backward()
        expected = torch.cat([parameter.grad.reshape(-1) for parameter in plain.parameters()]).norm().item()
        trainer.step(0)
        assert trainer.gradient_norm == pytest.approx(expected, rel=1e-4)
        assert expected > 0.1
        context = context_of(tmp_path / "run", inputs)
        train.run(context)
        assert len(record(context)["gradient_norm"]) == record(context)["steps"] == 6

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_head_on_targets_equals_the_full_head(self, tmp_path: Path, architecture: str) -> None:
        inputs = prepare(tmp_path, architecture)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
        batch = collate(mixture, [[0], [1], [5]], pad_id=2)
        loss = TargetLoss(model)
        assert loss.picks_before_head
        picked = loss(model, batch).item()
        loss.picks_before_head = False
        assert picked == pytest.approx(loss(model, batch).item(), rel=1e-5)

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("architecture", [*ARCHITECTURES, "gemma3", "xglm", "qwen3-moe"])
    def test_a_loss_in_parts_is_the_whole_one(self, tmp_path: Path, architecture: str, weighted: bool) -> None:
        """Loss and gradients, with parts of three targets."""
        inputs = prepare(tmp_path, architecture)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        batch = collate(mixture, [[0], [1], [5]], pad_id=2, weights=[[0.5], [1.0], [0.25]] if weighted else None)
        found = []
        for at_once in (None, 3):
            model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model").eval()
            loss = TargetLoss(model, at_once=at_once)
            assert loss.splits_head
            assert len(batch.at) > 3
            total = loss(model, batch)
            total.backward()
            found.append((total.item(), {name: tensor.grad for name, tensor in model.named_parameters()}))
        assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
        assert all(torch.allclose(found[0][1][name], found[1][1][name], atol=1e-5) for name in found[0][1])

    @pytest.mark.parametrize("at_once", [None, 3])
    def test_a_weighted_loss_is_float32_under_autocast(self, tmp_path: Path, at_once: int | None) -> None:
        """A product of losses and weights would be one in bfloat16."""
        inputs = prepare(tmp_path, "llama")
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        batch = collate(mixture, [[0], [1], [5]], pad_id=2, weights=[[0.5], [1.0], [0.25]])
        loss = TargetLoss(model := AutoModelForCausalLM.from_pretrained(inputs["base"] / "model"), at_once=at_once)
        with torch.autocast("cpu", torch.bfloat16):
            found = loss(model, batch)
        assert found.dtype == torch.float32
        assert found.item() != found.bfloat16().item()

    def test_logits_that_change_behind_the_head_are_made_whole(self) -> None:
        config = Gemma2Config(
            vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=1, head_dim=16, final_logit_softcapping=5.0,
        )  # fmt: skip
        loss = TargetLoss(AutoModelForCausalLM.from_config(config), at_once=3)
        assert loss.picks_before_head
        assert not loss.splits_head

    def test_a_head_that_mixes_positions_is_left_alone(self) -> None:
        model = AutoModelForCausalLM.from_config(config_of("llama", 64))
        model.get_output_embeddings().register_forward_hook(
            lambda module, args, out: out - out.mean(dim=1, keepdim=True)
        )
        assert not TargetLoss(model).picks_before_head

    @pytest.mark.parametrize("architecture", ["mixtral", "qwen3-moe"])
    @pytest.mark.parametrize("limit", [1, 10_000])
    def test_the_routers_balance_is_learnt_where_the_recipe_says_so(
        self, tmp_path: Path, architecture: str, limit: int
    ) -> None:
        """As transformers computes it: by passes of one sample, by their shares of the tokens; or padded in one."""
        inputs = prepare(tmp_path, architecture)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
        trainer = trainer_of(model, mixture, limit, router_loss=0.5, batch_size=4)
        samples = trainer.order.step(0)
        rows = [torch.from_numpy(mixture.sample(number)[0][:-1].astype("int64")) for number in samples]
        with torch.no_grad():
            if limit == 1:
                each = [model(input_ids=row[None], output_router_logits=True).aux_loss * len(row) for row in rows]
                balance = float(sum(each)) / sum(map(len, rows))
            else:
                ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=2)
                mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
                found = model(input_ids=ids, attention_mask=mask, output_router_logits=True)
                balance = float(found.aux_loss)
        expected = reference_loss(model, mixture, samples) + 0.5 * balance
        assert trainer.step(0) == pytest.approx(expected, rel=1e-5)
        assert balance > 0.5

    def test_a_router_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        tokens = TokenSet(prepare(tmp_path)["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", 0)])
        model = AutoModelForCausalLM.from_config(config_of("llama", 64))
        with pytest.raises(Permanent, match="LlamaForCausalLM has no experts and no router"):
            trainer_of(model, mixture, 64, router_loss=0.01)

    def test_padding_does_not_reach_real_tokens(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model").eval()
        loss = TargetLoss(model)
        short, long = (int(find(mixture.lengths)) for find in (lambda x: x.argmin(), lambda x: x.argmax()))
        apart = sum(loss(model, collate(mixture, [[one]], pad_id=2)).item() for one in (short, long))
        together = loss(model, collate(mixture, [[short], [long]], pad_id=399)).item()
        assert together == pytest.approx(apart, rel=1e-5)

    def test_weight_decay_acts_on_matrices_only(self) -> None:
        model = AutoModelForCausalLM.from_config(config_of("gpt2", 64))
        decayed, free = optimizer_of(model, TrainParams(steps=1, weight_decay=0.1)).param_groups
        assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)
        assert {parameter.ndim for parameter in free["params"]} == {1}
        assert {parameter.ndim for parameter in decayed["params"]} == {2}
