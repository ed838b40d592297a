"""Which samples share a sequence: best-fit decreasing, as fast for a data set as for one step.

Samples are taken by descending length; each goes into the fullest sequence that still has room for it, or begins one.
The places that are left over are those that padding would take. Source of the method: Johnson 1973, "Near-optimal bin
packing algorithms"; for training data, Ding et al. 2024, arXiv 2404.10830, section 3.

`pack_evenly` needs no more sequences and makes the longest as short as it can: a step's sequences are padded to the
longest of them, and ranks wait for it.
"""

from collections import defaultdict
from collections.abc import Sequence


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


def pack_evenly(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """As many sequences as `pack` makes, of as little capacity as best-fit decreasing does it with."""
    found = pack(lengths, capacity)
    low = max(max(lengths, default=0), -(-sum(lengths) // max(len(found), 1)))
    while low < capacity:
        middle = (low + capacity) // 2
        tighter = pack(lengths, middle)
        if len(tighter) <= len(found):
            found, capacity = tighter, middle
        else:
            low = middle + 1
    return found
