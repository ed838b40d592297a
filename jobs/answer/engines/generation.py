"""Batched generation with a key-value cache: left-padded rows, each with its own temperature, seed and limit.

Why not `model.generate`: one random stream serves its whole batch there, its sampling defaults come from files of the
model, and finished rows are computed to the end. Here a row's draws are its own (see `sampling`), every setting is
explicit, and rows that have ended leave the batch once they are the half of it. Which rows may share a batch is tried
once for each model (see `batching`).

Greedy answers on a CPU are the same each time for the same batches and threads. A different batch changes a row's
logits in their last bits only (matrix products of other shapes), which can tip an argmax between near-equal tokens.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel

from jobs.answer.engines.batching import find_batching
from jobs.answer.engines.decoding import choose, uniforms
from jobs.answer.engines.engine import Endings, Generated, Growing, Request, end_ids
from jobs.lib.model.loading import embedded, padding_id, without_token
from jobs.lib.model.template import ChatFormat


@dataclass(slots=True)
class _Row(Growing):
    number: int = 0  # place among the requests


class Generator:
    """Answers requests with one model; greedy or sampled, a batch at a time."""

    def __init__(
        self, model: PreTrainedModel, chat: ChatFormat, *, top_k: int = 0, top_p: float = 1.0, stops: Sequence[str] = ()
    ) -> None:
        """`chat` names the end of an answer; other end tokens of the model's generation config end it as well."""
        self.model, self.chat, self.top_k, self.top_p = model.eval(), chat, top_k, top_p  # type: ignore[no-untyped-call]
        self.endings = Endings(chat, end_ids(getattr(model.generation_config, "eos_token_id", None)), stops)
        self.pad_id = padding_id(chat.tokenizer, embedded(model))
        self._nameless = without_token(chat.tokenizer, embedded(model), self.model.device)
        accepted = inspect.signature(model.forward).parameters
        self._has_positions = "position_ids" in accepted
        self.has_cache = "past_key_values" in accepted
        self._keep_last: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
        with torch.inference_mode():
            self.batching = find_batching(self)

    @torch.inference_mode()
    def answer(self, requests: Sequence[Request], check: Callable[[], None] | None = None) -> list[Generated]:
        """Answer a batch, in its order. `check` is called now and then and may raise to leave."""
        results: list[Generated | None] = [None] * len(requests)
        for rows in self._together([_Row(request, number=number) for number, request in enumerate(requests)]):
            self._answer(rows, results, check)
        return [result for result in results if result is not None]

    def _together(self, rows: list[_Row]) -> list[list[_Row]]:
        """The rows that are computed at once."""
        groups: dict[int, list[_Row]] = {}
        for row in rows:
            key = {"any": 0, "equal-lengths": len(row.request.prompt), "one": row.number}[self.batching.together]
            groups.setdefault(key, []).append(row)
        return list(groups.values())

    def _answer(self, rows: list[_Row], results: list[Generated | None], check: Callable[[], None] | None) -> None:
        state = _State(self, rows)
        while state.rows:
            chosen, finite = state.step(self.top_k, self.top_p)
            for row, token, fine in zip(state.rows, chosen, finite, strict=True):
                if row.result is None:
                    row.result = self.endings.after(row, token) if fine else self.endings.ended(row, "not-finite")
                    results[row.number] = row.result
            state.forget_finished()
            if check is not None and state.steps % 16 == 0:
                check()

    def forward(self, inputs: torch.Tensor, mask: torch.Tensor, cache: DynamicCache | None) -> torch.Tensor:
        """Float32 logits (B, V) of each row's last place; `inputs` (B, new), `mask` (B, all) with 0 on padding."""
        arguments = dict(self._keep_last)
        if self._has_positions:
            positions = mask.long().cumsum(dim=-1).sub_(1).clamp_(min=0)
            arguments["position_ids"] = positions[:, -inputs.shape[1] :]
        if cache is not None:
            arguments["past_key_values"] = cache
        output = self.model(
            input_ids=inputs, attention_mask=mask, use_cache=cache is not None, return_dict=True, **arguments
        )
        logits: torch.Tensor = output.logits[:, -1, :]
        return logits.float()

    def without_nameless(self, logits: torch.Tensor) -> torch.Tensor:
        """Logits (B, V) in which ids that no token stands for cannot be chosen."""
        return logits if self._nameless is None else logits.masked_fill(self._nameless, -torch.inf)

    def new_cache(self) -> DynamicCache | None:
        """An empty cache; None where the architecture has no such thing."""
        return DynamicCache(config=self.model.config) if self.has_cache else None

    def select(self, cache: DynamicCache, index: torch.Tensor) -> bool:
        """Keep these lines of a cache; False where a layer of it cannot do that."""
        layers: list[Any] = cache.layers
        if not all(hasattr(layer, "batch_select_indices") for layer in layers):
            return False
        for layer in layers:
            layer.batch_select_indices(index)
        return True

    def padded(self, prompts: Sequence[list[int]], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Prompts as (B, T) ids and mask, padded on the left."""
        width = max(map(len, prompts))
        ids = torch.full((len(prompts), width), pad_id, dtype=torch.long)
        mask = torch.zeros((len(prompts), width), dtype=torch.long)
        for place, prompt in enumerate(prompts):
            ids[place, width - len(prompt) :] = torch.tensor(prompt)
            mask[place, width - len(prompt) :] = 1
        return ids.to(self.model.device), mask.to(self.model.device)


class _State:
    """Tensors of a batch under way, one line per row that is still computed."""

    def __init__(self, generator: Generator, rows: list[_Row]) -> None:
        self.rows, self.steps, self._generator = rows, 0, generator
        if not rows:
            return
        self._inputs, self._mask = generator.padded([row.request.prompt for row in rows], generator.pad_id)
        self._whole = self._inputs
        # without a cache every step reads the whole row again
        self._cache = generator.new_cache() if generator.batching.cached else None
        device = self._inputs.device
        self._temperatures = torch.tensor([row.request.temperature for row in rows], device=device)
        longest = max(row.request.max_new_tokens for row in rows)
        sampled = any(row.request.temperature > 0 for row in rows)
        self._numbers = uniforms([row.request.seed for row in rows], longest if sampled else 0).to(device)

    def step(self, top_k: int, top_p: float) -> tuple[list[int], list[bool]]:
        """Compute one token of every row; also whether its logits were numbers."""
        logits = self._generator.forward(self._inputs, self._mask, self._cache)
        logits = self._generator.without_nameless(logits)
        number = self._numbers[:, self.steps] if self._numbers.shape[1] else self._temperatures
        chosen = choose(logits, self._temperatures, number, top_k=top_k, top_p=top_p)
        finite = logits.amax(dim=-1).isfinite()  # a masked-out -inf is fine, NaN and +inf are not
        self.steps += 1
        column = chosen.unsqueeze(1)
        self._mask = torch.cat([self._mask, torch.ones_like(column)], dim=1)
        if self._cache is None:
            self._inputs = self._whole = torch.cat([self._whole, column], dim=1)
        else:
            self._inputs = column
        tokens: list[int] = chosen.tolist()
        fine: list[bool] = finite.tolist()
        return tokens, fine

    def forget_finished(self) -> None:
        """Drop rows that have ended, once they are half of the batch: each drop copies the cache."""
        going = [place for place, row in enumerate(self.rows) if row.result is None]
        if not going:
            self.rows = []
        elif 2 * len(going) <= len(self.rows):
            index = torch.tensor(going, device=self._mask.device)
            if self._cache is not None and not self._generator.select(self._cache, index):
                return
            self.rows = [self.rows[place] for place in going]
            self._inputs, self._mask = self._inputs[index], self._mask[index]
            self._whole = self._whole[index] if self._cache is None else self._whole
            self._temperatures, self._numbers = self._temperatures[index], self._numbers[index]
