"""Keys and values of conversations that come and go: one buffer a layer, a line a conversation, a column a moment.

All conversations write their next token into the same column, so that a line is padded on its left alone, as in a batch
that begins together, and a model that bears such padding bears this. Who joins is put so that it ends where the others
do; columns before the longest one are not read. Lines have no gaps: the last one moves into the one that is left.

Buffers are made anew every `SPARE_TOKENS` columns, with as many lines as are wanted then, so that a token does not copy
the cache. Layers with a sliding window keep all of their columns; the window is in the mask.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DummyLayer, DynamicLayer, DynamicSlidingWindowLayer

from polyglot.kinds.answer import SPARE_TOKENS

if TYPE_CHECKING:
    from jobs.answer.engines.generation import Generator


@dataclass(slots=True)
class _Span:
    """What is read: lines 0 to `lines`, columns `first` to `end`."""

    lines: int = 0
    first: int = 0
    end: int = 0


class _SlotLayer(DynamicLayer):
    """One layer's buffers, (slots, heads, columns, size of a head)."""

    keys: Any  # tensors, or None before there is a conversation
    values: Any

    def __init__(self, span: _Span) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._span = span

    def get_seq_length(self) -> int:
        """Columns that are read."""
        return self._span.end - self._span.first

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the next columns of every line, and return all that are read."""
        return self._written(self.keys, key_states), self._written(self.values, value_states)

    def make(self, like: Any, *, slots: int, columns: int, end: int) -> None:
        """Make buffers in which what ended at the span's end ends at `end`."""
        self.keys = self._made(self.keys, like.keys, slots, columns, end)
        self.values = self._made(self.values, like.values, slots, columns, end)
        self.is_initialized = True

    def _written(self, buffer: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        span = self._span
        end = span.end + states.shape[2]
        lines = buffer[: span.lines]
        lines[:, :, span.end : end] = states
        return lines[:, :, span.first : end]

    def _made(self, old: torch.Tensor | None, like: torch.Tensor, slots: int, columns: int, end: int) -> torch.Tensor:
        made = like.new_empty(slots, like.shape[1], columns, like.shape[3])
        if old is not None:
            lines, width = min(slots, self._span.lines, old.shape[0]), min(end, self._span.end)
            made[:lines, :, : end - width] = 0
            made[:lines, :, end - width : end] = old[:lines, :, self._span.end - width : self._span.end]
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """A conversation that is to be computed: its ids, and with how many of them its line begins already."""

    ids: Sequence[int]
    line: int | None = None  # None: it is new
    kept: int = 0  # fewer than all


class SlotCache:
    """The conversations under way, by line. `slots` is how many lines buffers get that are made anew."""

    def __init__(self, generator: "Generator") -> None:
        """`generator` has a model that `holds` says yes to."""
        self._generator, self.slots = generator, 1
        self._span = _Span()
        self._dummies = [isinstance(layer, DummyLayer) for layer in _layers(generator)]
        self._layers = [_layer(dummy=True) if dummy else _SlotLayer(self._span) for dummy in self._dummies]
        self._cache = _cache_of(self._layers)
        self.lengths: list[int] = []  # ids of each line whose keys and values are there

    @staticmethod
    def holds(generator: "Generator") -> bool:
        """Whether the model's cache is keys and values alone, which can be put anywhere."""
        plain = (DynamicLayer, DynamicSlidingWindowLayer, DummyLayer)
        layers = _layers(generator) if generator.has_cache else []
        return bool(layers) and all(type(layer) in plain for layer in layers)

    def step(self, tokens: Sequence[int]) -> torch.Tensor:
        """Logits (lines, V) behind the next token of every line."""
        span, past = self._span, max(self.lengths)
        if span.end == self._shape[1]:
            self._make(past, self._layers)
        span.first = span.end - past
        self.lengths = [length + 1 for length in self.lengths]
        inputs = torch.tensor(tokens, device=self._generator.model.device).unsqueeze(1)
        logits = self._generator.forward(inputs, self._mask(self.lengths), self._cache)
        span.end += 1
        return logits

    def join(self, joining: Sequence[Joining]) -> torch.Tensor:
        """Logits (joining, V) behind these conversations; those without a line get the next ones, in their order.

        Of each as many ids are computed as the one with the most new ones has: padding never stands between ids.
        """
        new = max(len(one.ids) - one.kept for one in joining)
        kept = [max(0, len(one.ids) - new) for one in joining]
        ids = [list(one.ids[some:]) for one, some in zip(joining, kept, strict=True)]
        inputs = self._generator.padded(ids, self._generator.pad_id)[0]
        layers = [_layer(dummy=dummy) for dummy in self._dummies]
        if max(kept):
            for whole, layer in self._slots(layers):
                layer.update(self._gathered(whole.keys, joining, kept), self._gathered(whole.values, joining, kept))
        mask = self._mask([len(one.ids) for one in joining])
        logits = self._generator.forward(inputs, mask, _cache_of(layers))
        self._put(joining, layers)
        return logits

    def leave(self, line: int) -> None:
        """Forget a line; the last one takes its place."""
        length, end = self.lengths.pop(), self._span.end
        self._span.lines = last = len(self.lengths)
        if line != last:
            self.lengths[line] = length
            for whole, _ in self._slots(self._layers):
                for buffer in (whole.keys, whole.values):
                    buffer[line, :, : end - length] = 0
                    buffer[line, :, end - length : end] = buffer[last, :, end - length : end]
        if not last:
            self._empty()

    @property
    def _shape(self) -> tuple[int, int]:
        """Lines and columns of the buffers."""
        keys = next((whole.keys for whole, _ in self._slots(self._layers)), None)
        return (0, 0) if keys is None else (keys.shape[0], keys.shape[2])

    def _slots(self, layers: Sequence[Any]) -> Iterator[tuple[_SlotLayer, Any]]:
        """Layers that hold something, beside those of another cache."""
        return ((one, other) for one, other in zip(self._layers, layers, strict=True) if isinstance(one, _SlotLayer))

    def _mask(self, lengths: Sequence[int]) -> torch.Tensor:
        """(lines, longest), 1 on the ids of each, which end together."""
        width, device = max(lengths), self._generator.model.device
        begins = width - torch.tensor(lengths, device=device)
        return (torch.arange(width, device=device) >= begins.unsqueeze(1)).long()

    def _gathered(self, buffer: torch.Tensor, joining: Sequence[Joining], kept: Sequence[int]) -> torch.Tensor:
        """The first `kept` columns of each conversation, (joining, heads, most kept, size), ending together."""
        found = buffer.new_zeros(len(joining), buffer.shape[1], max(kept), buffer.shape[3])
        for place, (one, some) in enumerate(zip(joining, kept, strict=True)):
            if one.line is not None and some:
                begin = self._span.end - self.lengths[one.line]
                found[place, :, max(kept) - some :] = buffer[one.line, :, begin : begin + some]
        return found

    def _put(self, joining: Sequence[Joining], layers: Sequence[Any]) -> None:
        """Write what was computed apart into its lines, and zeros before it: what stood there may be no numbers."""
        lines, span = [], self._span
        for one in joining:
            lines.append(len(self.lengths) if one.line is None else one.line)
            self.lengths += [0] if one.line is None else []
            self.lengths[lines[-1]] = len(one.ids)
        width, (slots, _) = max(self.lengths), self._shape
        if slots < len(self.lengths) or span.end < width:
            self._make(width, layers)
        span.lines = len(self.lengths)
        for whole, layer in self._slots(layers):
            for buffer, states in ((whole.keys, layer.keys), (whole.values, layer.values)):
                for place, line in enumerate(lines):
                    begin = span.end - self.lengths[line]
                    buffer[line, :, :begin] = 0
                    buffer[line, :, begin : span.end] = states[place, :, -self.lengths[line] :]

    def _empty(self) -> None:
        for whole, _ in self._slots(self._layers):
            whole.keys = whole.values = None
        self._span.end = 0

    def _make(self, width: int, like: Sequence[Any]) -> None:
        """Make the buffers anew, with `width` columns before the span's end."""
        slots = max(self.slots, len(self.lengths))
        for whole, layer in self._slots(like):
            whole.make(layer, slots=slots, columns=width + SPARE_TOKENS, end=width)
        self._span.end = width


def _layers(generator: "Generator") -> list[Any]:
    cache = generator.new_cache()
    return [] if cache is None else list(cache.layers)


def _layer(*, dummy: bool) -> Any:
    """An empty one, of a cache of its own."""
    return DummyLayer() if dummy else DynamicLayer()  # type: ignore[no-untyped-call]


def _cache_of(layers: list[Any]) -> DynamicCache:
    cache = DynamicCache()
    cache.layers = layers
    return cache
