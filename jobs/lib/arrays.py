"""Between Arrow and numpy without pyarrow's own conversions, which import pandas: a second for nothing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

Array = np.ndarray[tuple[int], np.dtype[Any]]


def numbers(array: pa.Array) -> Array:
    """An Arrow array of numbers or booleans without nulls; numbers are a view."""
    if pa.types.is_boolean(array.type):
        return numbers(compute.cast(array, pa.uint8())).view(np.bool_)
    kind = np.dtype(str(array.type).replace("double", "float64"))
    if len(array) == 0:
        return np.zeros(0, kind)
    return np.frombuffer(array.buffers()[1], kind)[array.offset : array.offset + len(array)]


def strings(values: Sequence[str]) -> pa.StringArray:
    """A few texts as an Arrow array; its elements are scalars."""
    data = [value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, data)]).astype(np.int32)
    return pa.StringArray.from_buffers(len(data), pa.py_buffer(offsets), pa.py_buffer(b"".join(data)))


def arrow(values: Array, kind: pa.DataType) -> pa.Array:
    """Numbers or booleans as an Arrow array of a type."""
    if pa.types.is_boolean(kind):
        data = np.packbits(values, bitorder="little")
    else:
        data = np.ascontiguousarray(values, dtype=str(kind))
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(data)])
