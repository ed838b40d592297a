"""Which samples an optimiser step sees, and how they lie in tensors.

The two are kept apart on purpose. `EpochSampler` decides by seed alone: samples are shuffled per epoch, the epochs
follow each other, and every `batch_size` of that stream are one step ("batch 64" means 64 samples). `micro_batches`
then lays one step's samples out for speed (one a sequence or packed, sorted by length, cut by padded tokens, dealt to
ranks), and cannot change the step.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from jobs.train.mixture import Samples
from jobs.train.packing import pack_step
from polyglot.kinds.training import samples_of_epochs


class EpochSampler:
    """The stream of samples of a run, by position; holds one epoch at a time."""

    def __init__(self, *, samples: int, seed: int, batch_size: int, steps: int | None, epochs: float | None) -> None:
        """Exactly one of `steps` and `epochs`; a last step of a run given in epochs may be smaller."""
        if (steps is None) == (epochs is None):
            raise ValueError(f"steps and epochs: got {steps} and {epochs}, expected exactly one")
        self._samples, self._seed, self.batch_size = samples, seed, batch_size
        self.total = steps * batch_size if steps is not None else max(1, samples_of_epochs(epochs or 0.0, samples))
        self.steps = math.ceil(self.total / batch_size)
        self.epochs = self.total / samples
        self._epoch, self._shuffled = -1, list[int]()

    def step(self, number: int) -> list[int]:
        """The samples of step `number`, counted from 0."""
        first = number * self.batch_size
        return [self._at(position) for position in range(first, min(first + self.batch_size, self.total))]

    def _at(self, position: int) -> int:
        epoch, place = divmod(position, self._samples)
        if epoch != self._epoch:
            self._shuffled = list(range(self._samples))
            random.Random(f"{self._seed}:{epoch}").shuffle(self._shuffled)  # noqa: S311 - an order, not a secret
            self._epoch = epoch
        return self._shuffled[place]


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Tensors of one forward pass. Padding lies on the right, where causal attention never looks from a real token.

    `input_ids` (B, T) lack each sample's last token, as nothing follows it; `at` (N,) are the places in B*T whose next
    token is supervised, and `targets` (N,) these next tokens. An EOS that is a target stays one if pad equals EOS.
    `positions` (B, T), of packed samples only, begin with 0 at each sample and at the padding. `weights` (N,) are what
    the losses of the targets are multiplied with; None: 1. `real` (B, T) is True where there is no padding. Where
    packed samples begin among B*T is in `sequences`, the padding being one of its own.
    """

    input_ids: torch.Tensor
    at: torch.Tensor
    targets: torch.Tensor
    positions: torch.Tensor | None = None
    weights: torch.Tensor | None = None
    real: torch.Tensor | None = None
    sequences: "Sequences | None" = None

    def pinned(self) -> "MicroBatch":
        """The same in memory that a GPU copies from while both compute."""
        return self._each(torch.Tensor.pin_memory)

    def to(self, device: torch.device) -> "MicroBatch":
        """The same on a device, once it gets there."""
        return self._each(lambda part: part.to(device, non_blocking=True))

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "MicroBatch":
        others = (self.positions, self.weights, self.real)
        positions, weights, real = (None if part is None else change(part) for part in others)
        sequences = self.sequences and Sequences(change(self.sequences.borders), self.sequences.longest)
        return MicroBatch(
            change(self.input_ids), change(self.at), change(self.targets), positions, weights, real, sequences
        )


class Sequences(NamedTuple):
    """Where sequences begin that lie end to end, and the end of the last (N + 1,), in int32; and the longest's length.

    What kernels are told that take sequences by their lengths (`cu_seq_lens` and `max_length` in transformers).
    """

    borders: torch.Tensor
    longest: int


def micro_batches(
    mixture: Samples,
    samples: Sequence[int],
    *,
    max_tokens: int,
    pad_id: int,
    packed_tokens: int | None = None,
    weights: Sequence[float] | None = None,
    rank: int = 0,
    ranks: int = 1,
) -> Iterator[MicroBatch]:
    """Lay out this rank's part of a step, in micro-batches of `max_tokens` padded tokens at most.

    One has a sequence at least. A sequence is a sample, or with `packed_tokens` as many samples as fit into that.
    Every rank gets equally many, as a rank that computes needs its peers to compute with it: those with fewer end with
    some of a single token and no target. `weights` are those of the samples' losses, in their order.
    """
    ordered = _rows(mixture, samples, packed_tokens)
    lengths = [sum(int(mixture.lengths[samples[place]]) for place in row) for row in ordered]
    dealt = [groups(lengths[of::ranks], max_tokens) if of < len(ordered) else [] for of in range(ranks)]
    mine, packed = ordered[rank::ranks], packed_tokens is not None
    for group in dealt[rank]:
        rows = [mine[number] for number in group]
        yield collate(
            mixture,
            [[samples[place] for place in row] for row in rows],
            pad_id=pad_id,
            packed=packed,
            weights=None if weights is None else [[weights[place] for place in row] for row in rows],
        )
    for _ in range(max(map(len, dealt)) - len(dealt[rank])):
        yield nothing(pad_id, packed=packed)


def nothing(pad_id: int, *, packed: bool) -> MicroBatch:
    """One token that nothing is learnt of."""
    none = torch.zeros(0, dtype=torch.int64)
    if not packed:
        return MicroBatch(torch.tensor([[pad_id]]), none, none)
    one = Sequences(torch.tensor([0, 1], dtype=torch.int32), 1)
    return MicroBatch(torch.tensor([[pad_id]]), none, none, torch.zeros(1, 1, dtype=torch.int64), sequences=one)


def sequences(mixture: Samples, samples: Sequence[int], packed_tokens: int | None) -> list[list[int]]:
    """What lies in one row of a tensor: a sample, or several that are packed; by ascending length."""
    return [[samples[place] for place in row] for row in _rows(mixture, samples, packed_tokens)]


def _rows(mixture: Samples, samples: Sequence[int], packed_tokens: int | None) -> list[list[int]]:
    """The same as places in `samples`, where one sample may stand twice."""
    lengths = [int(mixture.lengths[number]) for number in samples]
    if packed_tokens is None:
        return [[place] for place in sorted(range(len(samples)), key=lambda place: (lengths[place], samples[place]))]
    return sorted(pack_step(lengths, packed_tokens), key=lambda row: sum(lengths[place] for place in row))


def groups(lengths: Sequence[int], max_tokens: int) -> list[list[int]]:
    """Cut an ascending list of lengths into runs whose padded size stays below `max_tokens`."""
    result: list[list[int]] = [[]]
    for number, length in enumerate(lengths):
        if result[-1] and (len(result[-1]) + 1) * length > max_tokens:
            result.append([])
        result[-1].append(number)
    return result


def collate(
    mixture: Samples,
    rows: Sequence[Sequence[int]],
    *,
    pad_id: int,
    packed: bool = False,
    weights: Sequence[Sequence[float]] | None = None,
) -> MicroBatch:
    """Pad to the longest row; a row is the samples that lie in it. One copy per sample, no work per token."""
    found = [[mixture.sample(number) for number in row] for row in rows]
    width = max(1, *(sum(len(ids) - 1 for ids, _ in row) for row in found)) if found else 1
    inputs = np.full((len(rows), width), pad_id, dtype=np.int64)
    following = np.zeros((len(rows), width), dtype=np.int64)
    wanted, real = np.zeros((len(rows), width), dtype=bool), np.zeros((len(rows), width), dtype=bool)
    positions = np.tile(np.arange(width), (len(rows), 1)) if packed else None
    weight = None if weights is None else np.zeros((len(rows), width), dtype=np.float32)
    borders = [0]
    for place, row in enumerate(found):
        start = 0
        for number, (ids, loss) in enumerate(row):
            end = start + len(ids) - 1
            inputs[place, start:end], real[place, start:end] = ids[:-1], True
            following[place, start:end] = ids[1:]
            wanted[place, start:end] = loss[1:]
            if weight is not None and weights is not None:
                weight[place, start:end] = weights[place][number]
            start = end
            if positions is not None:
                positions[place, start:] = np.arange(width - start)
                borders.append(place * width + start)
        borders.append((place + 1) * width)
    at = np.flatnonzero(wanted)
    return MicroBatch(
        torch.from_numpy(inputs),
        torch.from_numpy(at),
        torch.from_numpy(following.reshape(-1)[at]),
        None if positions is None else torch.from_numpy(positions),
        None if weight is None else torch.from_numpy(weight.reshape(-1)[at]),
        torch.from_numpy(real),
        _sequences(borders) if packed else None,
    )


def _sequences(borders: Sequence[int]) -> Sequences:
    """Sequences between these places, those of no token left out."""
    apart = np.unique(np.asarray(borders, dtype=np.int32))
    return Sequences(torch.from_numpy(apart), int(np.diff(apart).max(initial=0)))
