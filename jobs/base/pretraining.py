"""Pre-training a tiny Llama: Muon for matrices, AdamW for the rest, next-token loss over whole blocks.

AdamW alone did not learn to reverse and to copy lists in the steps that are affordable here. A run that is resumed
from a checkpoint ends with the same bits (same threads, or such as `is_same_with` has tried).
"""

import json
import math
from copy import deepcopy
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from jobs.lib.model.schedule import factor
from polyglot.core.errors import Permanent
from polyglot.kinds.base import BaseParams


def new_model(params: BaseParams, tokenizer: PreTrainedTokenizerBase, seed: int) -> LlamaForCausalLM:
    """A Llama of the parameters' shape with weights drawn from the seed."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=params.hidden_size,
            intermediate_size=params.intermediate_size,
            num_hidden_layers=params.layers,
            num_attention_heads=params.heads,
            max_position_embeddings=params.max_positions,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


class Pretraining:
    """The run: `step(k)` for k = 0, 1, 2 …; `save` and `load` keep everything that the next step needs."""

    def __init__(self, model: LlamaForCausalLM, blocks: torch.Tensor, params: BaseParams) -> None:
        self.model, self.blocks, self.params = model.train(), blocks, params
        self.losses: list[float] = []
        named = dict(model.named_parameters())
        matrices = {name for name, tensor in named.items() if tensor.ndim == 2 and "embed" not in name}
        self._optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                [tensor for name, tensor in named.items() if name not in matrices],
                betas=(0.9, 0.95),
                weight_decay=params.weight_decay,
                fused=True,
            ),
            torch.optim.Muon(
                [tensor for name, tensor in named.items() if name in matrices],
                weight_decay=params.weight_decay,
                adjust_lr_fn="match_rms_adamw",
                ns_steps=params.muon_steps,
            ),
        ]

    def step(self, number: int) -> float:
        """One optimiser step; returns the mean loss in nats per token. Raises Permanent when it is not finite."""
        params = self.params
        rows = self.blocks[number * params.batch_size : (number + 1) * params.batch_size]
        logits = self.model(input_ids=rows[:, :-1], use_cache=False).logits  # (B, T-1, V)
        loss = cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        value = loss.item()
        if not math.isfinite(value):
            raise Permanent(f"step {number + 1}: the loss is {value} at learning rate {params.learning_rate:g}")
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        rate = params.learning_rate * factor(
            "trapezoid", number, steps=params.steps, warmup_steps=min(params.warmup_steps, params.steps - 1)
        )
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad()
        self.losses.append(value)
        return value

    def is_same_with(self, threads: int, number: int) -> bool:
        """Whether a step with so many threads gives the bits that the present number gives, on this processor.

        Tried on copies of the model, whose shapes are those of every step.
        """
        before = torch.get_num_threads()
        made = []
        try:
            for count in (before, threads):
                torch.set_num_threads(count)
                copy = Pretraining(deepcopy(self.model), self.blocks, self.params)
                loss = copy.step(number)
                made.append([torch.tensor(loss), *copy.model.parameters()])
        finally:
            torch.set_num_threads(before)
        return all(torch.equal(one, other) for one, other in zip(*made, strict=True))

    def save(self, directory: Path) -> None:
        """Write the state after `len(self.losses)` steps; safetensors and JSON, nothing that can run code."""
        directory.mkdir(parents=True, exist_ok=True)
        save_file(
            {name: tensor.detach().clone() for name, tensor in self.model.named_parameters()}, directory / "weights"
        )
        save_file({name: tensor.detach().clone() for name, tensor in self._moments().items()}, directory / "moments")
        (directory / "state.json").write_text(json.dumps({"loss": self.losses}), encoding="utf-8")

    def load(self, directory: Path) -> None:
        """Put a saved state back."""
        self.losses = json.loads((directory / "state.json").read_text(encoding="utf-8"))["loss"]
        weights, moments = load_file(directory / "weights"), load_file(directory / "moments")
        with torch.no_grad():
            for name, tensor in self.model.named_parameters():
                tensor.copy_(weights[name])
        names = {id(tensor): name for name, tensor in self.model.named_parameters()}
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                for tensor in group["params"]:
                    prefix = f"{names[id(tensor)]}/"
                    found = {
                        key.removeprefix(prefix): value for key, value in moments.items() if key.startswith(prefix)
                    }
                    optimizer.state[tensor] = found

    def _moments(self) -> dict[str, torch.Tensor]:
        names = {id(tensor): name for name, tensor in self.model.named_parameters()}
        return {
            f"{names[id(tensor)]}/{key}": value
            for optimizer in self._optimizers
            for tensor, state in optimizer.state.items()
            for key, value in state.items()
        }
