"""Conversations as the paper's template writes them, by columns, and where in each text the answers are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyarrow import compute

from jobs.lib.arrays import arrow, numbers, strings
from jobs.tokenize.columns import Counts, Flags, Rows
from polyglot.kinds.templates import Markers

_NOTHING = strings([""])[0]  # the separator when texts are joined


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The A assistant turns of some texts: in which text, and where the prompt's last character and the EOS are."""

    text: Counts  # ascending
    border: Counts  # in characters
    end: Counts
    border_byte: Counts  # in bytes of UTF-8
    end_byte: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Texts, their sizes in bytes of UTF-8, and their answers."""

    texts: list[str]
    sizes: Counts
    answers: Answers


def render(rows: Rows, chosen: Flags, markers: Markers, *, head: str, eos: str) -> Rendered:
    """Write the chosen rows; `head` stands before the first turn (BOS, system message), `eos` ends an answer."""
    prefixes = (markers.first_user, markers.user, markers.assistant)
    turns = np.diff(rows.first)
    kind = rows.assistant + 1
    kind[rows.first[:-1]] = 0
    pieces = compute.binary_join_element_wise(
        strings(prefixes).take(arrow(kind, pa.int8())),
        rows.contents,
        strings(["", eos]).take(arrow(rows.assistant, pa.int8())),
        _NOTHING,
    )
    joined = compute.binary_join(pa.ListArray.from_arrays(arrow(rows.first, pa.int32()), pieces), _NOTHING)
    texts = compute.binary_join_element_wise(strings([head])[0], joined, _NOTHING)
    if not chosen.all():
        texts = texts.filter(arrow(chosen, pa.bool_()))
    wanted = rows.assistant & np.repeat(chosen, turns)
    number = np.cumsum(chosen) - 1  # of a row among the chosen ones
    bytes_of = numbers(compute.binary_length(rows.contents))
    places = []
    for length, measure in ((rows.characters, len), (bytes_of, lambda text: len(text.encode()))):
        before = np.array([measure(prefix) for prefix in prefixes])[kind]
        start = _starts(before + length + rows.assistant * measure(eos), rows, turns) + measure(head)
        places += [(start + measure(markers.prompt) - 1)[wanted], (start + before + length)[wanted]]
    return Rendered(
        texts=texts.to_pylist(),
        sizes=numbers(compute.binary_length(texts)).astype(np.int64),
        answers=Answers(
            text=np.repeat(number, turns)[wanted],
            border=places[0],
            end=places[1],
            border_byte=places[2],
            end_byte=places[3],
        ),
    )


def _starts(lengths: Counts, rows: Rows, turns: Counts) -> Counts:
    """Where each turn begins in its own row."""
    before = np.cumsum(lengths) - lengths
    return np.asarray(before - np.repeat(before[rows.first[:-1]], turns))


def by_prefix(tokens: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Control tokens by what they begin with in common, so that most texts are searched once and not 256 times."""
    groups: dict[str, list[str]] = {}
    for token in tokens:
        groups.setdefault(token[0], []).append(token)
    return [(_common(group), group) for group in groups.values()]


def _common(group: Sequence[str]) -> str:
    least, most = min(group), max(group)
    same = next((at for at, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), len(least))
    return least[:same]
