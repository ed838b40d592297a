"""Words of many texts at once, counted as `len(text.split())` counts them."""

import numpy as np
import pyarrow as pa

from jobs.tokenize.columns import Counts, Flags

Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]

# the white space of `str.split`, by code point; all of it lies below U+10000
_WHITE = np.zeros(1 << 16, dtype=np.bool_)
_WHITE[[9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)]] = True
_WHITE[[0x2028, 0x2029, 0x202F, 0x205F, 0x3000]] = True
_ASCII = _WHITE[:256] & (np.arange(256) < 128)  # by byte


def count_words(texts: pa.StringArray) -> Counts:
    """Words of each text, (T,)."""
    _, offsets_buffer, data = texts.buffers()
    if len(texts) == 0 or data is None:
        return np.zeros(len(texts), np.int64)
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    start, end = int(offsets[0]), int(offsets[-1])
    space = _spaces(np.frombuffer(data, dtype=np.uint8)[start:end])
    begins = ~space
    begins[1:] &= space[:-1]
    borders = np.asarray(offsets - start)
    inner = borders[:-1][borders[:-1] < end - start]
    begins[inner] = ~space[inner]  # a text begins anew, whatever stands before it
    before = np.searchsorted(np.flatnonzero(begins), borders)
    return np.diff(before)


def _spaces(data: Bytes) -> Flags:
    """Which bytes of a UTF-8 text belong to white space. Beyond ASCII it begins with the bytes C2, E1, E2 or E3."""
    space = _ASCII[data]
    two = np.flatnonzero(data == 0xC2)
    two = two[_WHITE[data[two + 1]]]  # U+0080 to U+00BF: the second byte is the code point
    three = np.flatnonzero((data >= 0xE1) & (data <= 0xE3))
    high, middle, low = (data[three + number].astype(np.int64) & mask for number, mask in ((0, 15), (1, 63), (2, 63)))
    three = three[_WHITE[high << 12 | middle << 6 | low]]
    for number in range(3):
        space[three + number] = True
        space[two + min(number, 1)] = True
    return space
