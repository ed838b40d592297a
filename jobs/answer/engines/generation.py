"""One model that answers: what goes in, which token comes next, and where an answer ends.

Why not `model.generate`: one random stream serves its whole batch there, its sampling defaults come from files of the
model, and finished rows are computed to the end. Continuous batching of transformers has one stream, too. Here a row's
draws are its own (see `decoding`), every setting is explicit, and who has ended is not computed on.

Answers are made in slots (`slots`) where the model's cache is keys and values alone, else as batches from their
beginning to their end (`batch`). Which rows may share a batch is tried once for each model (`batching`).

Greedy answers on a CPU are the same each time for the same requests and threads. Other requests beside a row change its
logits in their last bits only (matrix products of other shapes), which can tip an argmax between near-equal tokens.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel

from jobs.answer.engines import batch
from jobs.answer.engines.batching import Batching, find_batching, joins
from jobs.answer.engines.decoding import choose
from jobs.answer.engines.engine import Endings, Generated, Request, end_ids
from jobs.answer.engines.slots import Slots
from jobs.lib.model.loading import embedded, padding_id, without_token
from jobs.lib.model.template import ChatFormat


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
        self._keep_last = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
        with torch.inference_mode():
            self.batching = find_batching(self)
            self.joins = joins(self)

    @property
    def slotted(self) -> bool:
        """Whether its conversations may come and go."""
        return self.joins and self.batching == Batching()

    def answer(self, requests: Sequence[Request], check: Callable[[], None] | None = None) -> list[Generated]:
        """Answer these, in their order. `check` is called now and then and may raise to leave."""
        if not self.slotted:
            return batch.answer(self, requests, check)
        slots, found = Slots(self, len(requests)), dict[str, Generated]()
        for number, request in enumerate(requests):
            slots.add(str(number), request)
        while len(found) < len(requests):
            found.update(slots.step(check))
        return [found[str(number)] for number in range(len(requests))]

    def forward(self, inputs: torch.Tensor, mask: torch.Tensor, cache: DynamicCache | None) -> torch.Tensor:
        """Float32 logits (B, V) of each row's last place; `inputs` (B, new), `mask` (B, all) with 0 on padding."""
        arguments: dict[str, object] = dict(self._keep_last)
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

    def chosen(
        self, logits: torch.Tensor, temperatures: torch.Tensor, numbers: torch.Tensor
    ) -> tuple[list[int], list[bool]]:
        """The next ids (B,) from logits (B, V), never one that no token stands for; and whose logits were numbers."""
        if self._nameless is not None:
            logits = logits.masked_fill(self._nameless, -torch.inf)
        chosen = choose(logits, temperatures, numbers, top_k=self.top_k, top_p=self.top_p)
        finite = logits.amax(dim=-1).isfinite()  # a masked-out -inf is fine, NaN and +inf are not
        tokens: list[int] = chosen.tolist()
        fine: list[bool] = finite.tolist()
        return tokens, fine

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
