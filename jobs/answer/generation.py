"""Batched generation with a key-value cache: left-padded rows, each with its own temperature, seed and limit.

Why not `model.generate`: one random stream serves its whole batch there, its sampling defaults come from files of the
model, and finished rows are computed to the end. Here a row's draws are its own (see `sampling`), every setting is
explicit, and rows that have ended leave the batch once they are the half of it.

Greedy answers on a CPU are the same each time for the same batches and threads. A different batch changes a row's
logits in their last bits only (matrix products of other shapes), which can tip an argmax between near-equal tokens.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from transformers import DynamicCache, PreTrainedModel

from jobs.answer.decoding import Stops, choose, uniforms
from jobs.lib.model.loading import embedded, padding_id, without_token
from jobs.lib.model.template import ChatFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One answer that is wanted."""

    prompt: list[int]
    temperature: float
    seed: int
    max_new_tokens: int  # at least 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """One answer. `tokens` counts all that were generated, those that end it and the stop string's included."""

    text: str
    tokens: int
    finish: Literal["eos", "stop", "length", "not-finite"]
    stop: str | None = None
    end_id: int | None = None  # of the token that ended it


@dataclass(slots=True)
class _Row:
    number: int  # place among the requests
    request: Request
    ids: list[int] = field(default_factory=list)
    result: Generated | None = None


class Generator:
    """Answers requests with one model; greedy or sampled, a batch at a time."""

    def __init__(
        self, model: PreTrainedModel, chat: ChatFormat, *, top_k: int = 0, top_p: float = 1.0, stops: Sequence[str] = ()
    ) -> None:
        """`chat` names the end of an answer; other end tokens of the model's generation config end it as well."""
        self.model, self.chat, self.top_k, self.top_p = model.eval(), chat, top_k, top_p  # type: ignore[no-untyped-call]
        self.stops = Stops(stops, lambda token: str(chat.tokenizer.decode([token])))
        configured = getattr(model.generation_config, "eos_token_id", None)
        others = configured if isinstance(configured, list) else [configured]
        self.ends = {*chat.end_ids, *(token for token in others if token is not None)}
        self._pad_id = padding_id(chat.tokenizer, embedded(model))
        self._nameless = without_token(chat.tokenizer, embedded(model), self.model.device)
        accepted = inspect.signature(model.forward).parameters
        self._has_positions = "position_ids" in accepted
        self._has_cache = "past_key_values" in accepted
        self._keep_last: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}

    @torch.inference_mode()
    def answer(self, requests: Sequence[Request], check: Callable[[], None] | None = None) -> list[Generated]:
        """Answer a batch, in its order. `check` is called now and then and may raise to leave."""
        rows = [_Row(number, request) for number, request in enumerate(requests)]
        results: list[Generated | None] = [None] * len(rows)
        state = _State(self, rows)
        while state.rows:
            chosen, finite = state.step(self.top_k, self.top_p)
            for row, token, fine in zip(state.rows, chosen, finite, strict=True):
                if row.result is None:
                    row.result = self._after(row, token) if fine else self._ended(row, "not-finite")
                    results[row.number] = row.result
            state.forget_finished()
            if check is not None and state.steps % 16 == 0:
                check()
        return [result for result in results if result is not None]

    def _after(self, row: _Row, token: int) -> Generated | None:
        """Take in a row's next token; its result once that ends it."""
        row.ids.append(token)
        if token in self.ends:
            return self._ended(row, "eos")
        if self.stops.may_end(token) and self.stops.cut(self._text(row))[1] is not None:
            return self._ended(row, "stop")
        return self._ended(row, "length") if len(row.ids) >= row.request.max_new_tokens else None

    def _ended(self, row: _Row, finish: Literal["eos", "stop", "length", "not-finite"]) -> Generated:
        text, stop = self.stops.cut(self._text(row))
        if stop is not None:
            finish = "stop"
        end_id = row.ids[-1] if finish == "eos" else None
        return Generated(text=text, tokens=len(row.ids), finish=finish, stop=stop, end_id=end_id)

    def _text(self, row: _Row) -> str:
        ids = row.ids[:-1] if row.ids and row.ids[-1] in self.ends else row.ids
        return self.chat.text(row.request.prompt, ids)

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
        logits: torch.Tensor = output.logits[:, -1, :].float()
        return logits if self._nameless is None else logits.masked_fill(self._nameless, -torch.inf)

    def new_cache(self) -> DynamicCache | None:
        """An empty cache; None where the architecture has no such thing and every step reads the whole row again."""
        return DynamicCache(config=self.model.config) if self._has_cache else None

    def padded(self, rows: Sequence[_Row]) -> tuple[torch.Tensor, torch.Tensor]:
        """Prompts as (B, T) ids and mask, padded on the left."""
        width = max(len(row.request.prompt) for row in rows)
        ids = torch.full((len(rows), width), self._pad_id, dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for place, row in enumerate(rows):
            ids[place, width - len(row.request.prompt) :] = torch.tensor(row.request.prompt)
            mask[place, width - len(row.request.prompt) :] = 1
        return ids.to(self.model.device), mask.to(self.model.device)


class _State:
    """Tensors of a batch under way, one line per row that is still computed."""

    def __init__(self, generator: Generator, rows: list[_Row]) -> None:
        self.rows, self.steps, self._generator = rows, 0, generator
        if not rows:
            return
        self._inputs, self._mask = generator.padded(rows)
        self._whole = self._inputs
        self._cache = generator.new_cache()
        device = self._inputs.device
        self._temperatures = torch.tensor([row.request.temperature for row in rows], device=device)
        longest = max(row.request.max_new_tokens for row in rows)
        sampled = any(row.request.temperature > 0 for row in rows)
        self._numbers = uniforms([row.request.seed for row in rows], longest if sampled else 0).to(device)

    def step(self, top_k: int, top_p: float) -> tuple[list[int], list[bool]]:
        """Compute one token of every row; also whether its logits were numbers."""
        logits = self._generator.forward(self._inputs, self._mask, self._cache)
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
            if self._cache is not None and not self._select(index):
                return
            self.rows = [self.rows[place] for place in going]
            self._inputs, self._mask = self._inputs[index], self._mask[index]
            self._whole = self._whole[index] if self._cache is None else self._whole
            self._temperatures, self._numbers = self._temperatures[index], self._numbers[index]

    def _select(self, index: torch.Tensor) -> bool:
        """Keep these lines of the cache; False where a layer of it cannot do that."""
        layers: list[Any] = self._cache.layers if self._cache is not None else []
        if not all(hasattr(layer, "batch_select_indices") for layer in layers):
            return False
        for layer in layers:
            layer.batch_select_indices(index)
        return True
