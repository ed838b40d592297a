"""Which answers may share a batch, found out by trying it: no list of architectures says it for certain.

Rows of a batch have prompts of different lengths, padded on the left and masked. A recurrent model may read the padding
all the same; another may keep its state where a cache cannot be shortened. Then a question would be answered otherwise
in a batch than alone, without an error. So a few tokens are put through each way of computing, and the fastest one is
taken in which every row has the logits that it has alone, computed from its beginning. So is what slots do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from jobs.answer.engines.slot_cache import Joining, SlotCache
from jobs.lib.model.loading import OF_DEVICE, embedded

if TYPE_CHECKING:
    from jobs.answer.engines.generation import Generator

_NOT_SO = (RuntimeError, ValueError, TypeError, LookupError, AttributeError)
_TOKENS = 3  # that are computed behind each prompt
_LENGTHS = (4, 9, 6)  # of the prompts; the first row leaves the batch before the last token
_LIKE_ALONE = {torch.float32: 1e-3, torch.bfloat16: 0.2}  # root mean square, in standard deviations of the logits
_UNTOUCHED = {torch.float32: 1e-4, torch.bfloat16: 0.02}  # what other tokens under the padding may change


@dataclass(frozen=True, slots=True, kw_only=True)
class Batching:
    """How answers are computed; `together` says which may be so at once."""

    cached: bool = True
    together: Literal["any", "equal-lengths", "one"] = "any"

    def name(self, *, has_cache: bool) -> str | None:
        """As records and cards say it; None for the usual way of an architecture that has a cache, or has none."""
        if self == Batching(cached=has_cache):
            return None
        return self.together if self.cached or not has_cache else f"{self.together}, without a cache"


WAYS = (
    Batching(),
    Batching(together="equal-lengths"),
    Batching(cached=False),
    Batching(cached=False, together="equal-lengths"),
)


def find_batching(generator: "Generator") -> Batching:
    """The first of WAYS that gives each row what it has alone; one by one where none does."""
    trial = _Trial(generator)
    for way in WAYS:
        if way.cached and not generator.has_cache:
            continue
        try:
            if trial.agrees(way):
                return way
        except OF_DEVICE:
            raise
        except _NOT_SO:
            continue  # it cannot be computed so at all
    return Batching(cached=False, together="one")


def joins(generator: "Generator") -> bool:
    """Whether conversations may come and go beside each other, and go on from what they have (see `slots`)."""
    if generator.batching != Batching() or not SlotCache.holds(generator):
        return False
    try:
        return _Trial(generator).agrees_in_slots()
    except OF_DEVICE:
        raise
    except _NOT_SO:
        return False


class _Trial:
    """The same few prompts, computed in several ways."""

    def __init__(self, generator: "Generator") -> None:
        self._generator = generator
        self._rows = embedded(generator.model)
        self._alone: dict[tuple[int, ...], torch.Tensor] = {}
        weights = generator.model.dtype
        self._like_alone = _LIKE_ALONE.get(weights, _LIKE_ALONE[torch.bfloat16])
        self._untouched = _UNTOUCHED.get(weights, _UNTOUCHED[torch.bfloat16])

    def agrees(self, way: Batching) -> bool:
        """Whether each row has the logits that it has alone, whatever stands under the padding."""
        lengths = _LENGTHS if way.together == "any" else (max(_LENGTHS),) * len(_LENGTHS)
        whole = [self._ids(17 * place + 3, length + _TOKENS - 1) for place, length in enumerate(lengths)]
        pad = self._generator.pad_id
        found = self._batch(way, whole, lengths, pad)
        for tensors, ids, length in zip(found, whole, lengths, strict=True):
            for number, logits in enumerate(tensors):
                if not self._is_as_alone(logits, ids[: length + number]):
                    return False
        if way.together != "any":
            return True
        other = self._batch(way, whole, lengths, (pad + 11) % self._rows)
        return all(
            bool((a - b).abs().max() <= self._untouched * a.std())
            for one, two in zip(found, other, strict=True)
            for a, b in zip(one, two, strict=True)
        )

    def agrees_in_slots(self) -> bool:
        """Whether rows that join, leave and go on have the logits that each has alone."""
        cache, (short, long, middle) = SlotCache(self._generator), _LENGTHS
        one, two, three = (self._ids(17 * place + 3, length + 2) for place, length in enumerate((short, long, middle)))
        cache.join([Joining(ids=one[:short]), Joining(ids=two[:long])])
        cache.step([one[short], two[long]])
        cache.join([Joining(ids=three[:middle])])
        found = list(
            zip(cache.step([one[short + 1], two[long + 1], three[middle]]), (one, two, three[:-1]), strict=True)
        )
        cache.leave(0)  # three takes its line
        turn = two[:-3] + self._ids(5, 7)
        found.append((cache.join([Joining(ids=turn, line=1, kept=long - 1)])[0], turn))
        found += zip(cache.step([three[-1], 3]), (three, [*turn, 3]), strict=True)
        return all(self._is_as_alone(logits, ids) for logits, ids in found)

    def _is_as_alone(self, logits: torch.Tensor, ids: list[int]) -> bool:
        expected = self._expected(ids)
        difference = (logits - expected).pow(2).mean().sqrt() / expected.std().clamp_min(1e-12)
        return bool(difference <= self._like_alone)  # NaN is no agreement

    def _batch(
        self, way: Batching, whole: Sequence[list[int]], lengths: Sequence[int], pad: int
    ) -> list[list[torch.Tensor]]:
        """The logits of each row behind its prompt and each further token; the first row has one less."""
        generator, device = self._generator, self._generator.model.device
        prompts = [ids[:length] for ids, length in zip(whole, lengths, strict=True)]
        inputs, mask = generator.padded(prompts, pad)
        cache = generator.new_cache() if way.cached else None
        rows, found = list(range(len(whole))), [[] for _ in whole]  # type: list[int], list[list[torch.Tensor]]
        for number in range(_TOKENS):
            logits = generator.forward(inputs, mask, cache)
            for place, row in enumerate(rows):
                found[row].append(logits[place])
            if number + 2 == _TOKENS:  # some rows end before the others
                index = torch.arange(1, len(rows), device=device)
                if cache is None or generator.select(cache, index):
                    rows, inputs, mask = rows[1:], inputs[index], mask[index]
            if number + 1 < _TOKENS:
                following = torch.tensor([[whole[row][lengths[row] + number]] for row in rows], device=device)
                inputs = following if cache is not None else torch.cat([inputs, following], dim=1)
                mask = torch.cat([mask, torch.ones_like(following)], dim=1)
        return found

    def _expected(self, ids: list[int]) -> torch.Tensor:
        key = tuple(ids)
        if key not in self._alone:
            row = torch.tensor([ids], device=self._generator.model.device)
            self._alone[key] = self._generator.forward(row, torch.ones_like(row), None)[0]
        return self._alone[key]

    def _ids(self, first: int, count: int) -> list[int]:
        return [(first + 7 * place) % self._rows for place in range(count)]
