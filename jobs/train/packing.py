"""Which samples share a sequence.

`pack` is best-fit decreasing, as fast for a data set as for one step: samples are taken by descending length; each goes
into the fullest sequence that still has room for it, or begins one. Source: Johnson 1973, "Near-optimal bin packing
algorithms"; for training data, Ding et al. 2024, arXiv 2404.10830, section 3.

`pack_step` is for the few samples of one step, of which best-fit decreasing leaves some room: there each sequence gets
its longest sample and then the samples that fill it most (minimum bin slack: Gupta and Ho 1999, "A new heuristic
algorithm for the one-dimensional bin-packing problem"). It needs no more sequences than `pack`, on docs-x in steps of
64 as few as there can be, and makes the longest nearly as short as it can: a step is padded to its longest sequence,
and ranks wait for it.
"""

from collections import defaultdict
from collections.abc import Sequence

_FEW = 512  # samples for which `_filled` takes a hundredth of a second


def pack(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Sequences as lists of positions in `lengths`, each sequence of at most `capacity` tokens in all.

    Equal lengths give equal sequences: ties go by position, and the sequence that was last filled is the first to be
    filled on. Raises ValueError for a length beyond the capacity.
    """
    if lengths and max(lengths) > capacity:
        raise ValueError(f"a sample of {max(lengths)} tokens does not fit into a sequence of {capacity}")
    sequences: list[list[int]] = []
    by_room: defaultdict[int, list[int]] = defaultdict(list)  # tokens that are free -> sequences
    rooms = 0  # bit n: some sequence has n tokens free, so the least room of at least n is the lowest bit from n on
    for number in sorted(range(len(lengths)), key=lambda number: (-lengths[number], number)):
        length = lengths[number]
        fitting = rooms >> length
        if fitting:
            room = length + (fitting & -fitting).bit_length() - 1
            sequence = by_room[room].pop()
            if not by_room[room]:
                rooms ^= 1 << room
        else:
            room, sequence = capacity, len(sequences)
            sequences.append([])
        sequences[sequence].append(number)
        if room > length:
            by_room[room - length].append(sequence)
            rooms |= 1 << (room - length)
    return sequences


def pack_step(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """The fewest sequences that either method finds, of the least capacity (to 1 %) at which one finds as few."""
    found = _fewest(lengths, capacity, 0)
    if not found:
        return found
    most = len(found)
    low = max(max(lengths), -(-sum(lengths) // most))
    tolerance = capacity // 128
    while low + tolerance < capacity:
        middle = (low + capacity) // 2
        tighter = _fewest(lengths, middle, most)
        if len(tighter) <= most:
            found, capacity = tighter, middle
        else:
            low = middle + 1
    return found


def _fewest(lengths: Sequence[int], capacity: int, enough: int) -> list[list[int]]:
    """Best-fit decreasing, where it needs `enough` sequences or the least that there can be; else the better method."""
    found = pack(lengths, capacity)
    if len(found) <= max(enough, -(-sum(lengths) // capacity)) or len(lengths) > _FEW:
        return found
    return min(found, _filled(lengths, capacity), key=len)


def _filled(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Each sequence with its longest sample and those of the rest that leave the least room; quadratic in samples."""
    left = sorted(range(len(lengths)), key=lambda number: (-lengths[number], number))
    found = []
    while left:
        sequence = [left.pop(0)]
        room = capacity - lengths[sequence[0]]
        fitting = (1 << (room + 1)) - 1
        sums = [1]  # bit n of sums[i]: some of the first i samples have n tokens together
        for number in left:
            sums.append((sums[-1] | sums[-1] << lengths[number]) & fitting)
        best = sums[-1].bit_length() - 1
        for place in range(len(left) - 1, -1, -1):
            if not sums[place] >> best & 1:  # not without this sample
                sequence.append(left[place])
                best -= lengths[left[place]]
        taken = set(sequence)
        left = [number for number in left if number not in taken]
        found.append(sequence)
    return found
