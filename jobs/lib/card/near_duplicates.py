"""Near duplicates within one language: MinHash finds the candidates, the texts themselves decide.

A row is compared with the first row of every cluster before it, never with all rows: boilerplate that occurs ten
thousand times costs ten thousand comparisons and not fifty million. Signatures are datasketch's MinHash over the word
5-grams of all turns, code included; 16 bands of 4 values find a pair of similarity 0.8 with probability 0.9998 (one
minus (1 - 0.8^4)^16). Memory grows with the rows and not with their text: a candidate's text is read again.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy
from datasketch import MinHash

from jobs.lib.rows.content import MAX_LISTED
from polyglot.kinds import data_card as card
from polyglot.kinds.rows import Form

Grams = numpy.ndarray[tuple[int], numpy.dtype[numpy.uint64]]
SIMILARITY = 0.8
FEWEST_WORDS = 10
_GRAM = 5
_BANDS, _BAND_VALUES = 16, 4
_WORD = re.compile(r"\w+")
_WORDS_REMEMBERED = 2**18
_TEXTS_REMEMBERED = 256
# odd numbers, fixed: a 5-gram's value is the sum of its words' values by these, modulo 2^64
_FACTORS = tuple(
    numpy.uint64(int.from_bytes(hashlib.blake2b(bytes([n]), digest_size=8).digest(), "big") | 1) for n in range(_GRAM)
)

RULE = (
    f"Rows whose word {_GRAM}-grams have a Jaccard similarity of at least {SIMILARITY} with those of an earlier row "
    f"that is itself no near duplicate; of the rows with at least {FEWEST_WORDS} words that are not equal to an "
    "earlier row. Words are runs of letters and digits in lower case, in all turns, code included. Candidates are "
    "found by MinHash (datasketch), every one is confirmed on its text. `clusters` begin with the earlier row."
)


@dataclass(kw_only=True)
class NearDuplicates:
    """The near duplicates of one language. `lookup` returns a row that was added, by its id."""

    lookup: Callable[[str], Form | None]
    looked_at: int = 0
    clusters: dict[str, list[str]] = field(default_factory=dict)  # id of the first row -> ids of the others, in order
    _bands: list[dict[bytes, list[str]]] = field(default_factory=lambda: [{} for _ in range(_BANDS)])
    _texts: dict[str, Grams] = field(default_factory=dict)  # id -> grams of rows that were looked at again

    def add(self, row: Form) -> None:
        """Look at one row that is not equal to an earlier one."""
        grams = grams_of(row)
        if grams is None:
            return
        self.looked_at += 1
        keys = _band_keys(grams)
        candidates = dict.fromkeys(
            first for band, key in zip(self._bands, keys, strict=True) for first in band.get(key, ())
        )
        likest, most = None, SIMILARITY
        for first in candidates:
            similarity = jaccard(grams, self._grams(first))
            if similarity >= SIMILARITY and (likest is None or similarity > most):
                likest, most = first, similarity
        if likest is not None:
            self.clusters.setdefault(likest, []).append(row.id)
            return
        for band, key in zip(self._bands, keys, strict=True):
            band.setdefault(key, []).append(row.id)

    def _grams(self, identifier: str) -> Grams:
        found = self._texts.get(identifier)
        if found is None:
            row = self.lookup(identifier)
            found = grams_of(row) if row is not None else None
            if found is None:  # only rows with grams are in a band
                raise KeyError(identifier)
            if len(self._texts) >= _TEXTS_REMEMBERED:
                del self._texts[next(iter(self._texts))]
            self._texts[identifier] = found
        return found

    def card(self) -> card.NearDuplicates:
        """How many of how many, the sizes of the clusters, and the first of them."""
        ordered = sorted(self.clusters.items(), key=lambda item: (-len(item[1]), item[0]))
        ids = tuple((first, *others)[:MAX_LISTED] for first, others in ordered[:MAX_LISTED])
        largest = 1 + len(ordered[0][1]) if ordered else 0
        clusters = card.Clusters(count=len(ordered), largest=largest, ids=ids)
        return card.NearDuplicates(count=sum(map(len, self.clusters.values())), of=self.looked_at, clusters=clusters)


def grams_of(row: Form) -> Grams | None:
    """Return the distinct 64-bit values of a row's word 5-grams, sorted; None when it has too few words."""
    words = [word for text in row.texts for word in _WORD.findall(text.lower())]
    if len(words) < FEWEST_WORDS:
        return None
    values = numpy.fromiter(map(_value, words), dtype=numpy.uint64, count=len(words))
    count = len(words) - _GRAM + 1
    total = values[:count] * _FACTORS[0]  # wraps, as is meant
    for offset in range(1, _GRAM):
        total += values[offset : offset + count] * _FACTORS[offset]
    return numpy.unique(total)


def jaccard(left: Grams, right: Grams) -> float:
    """Return the share that two sets of grams have in common, of all grams in either."""
    shared = len(numpy.intersect1d(left, right, assume_unique=True))
    return shared / (len(left) + len(right) - shared)


@lru_cache(_WORDS_REMEMBERED)
def _value(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest(), "big")


# of 32 bits a value; `clear` makes it that of no value again, at a tenth of what a new one costs
_SIGNATURE = MinHash(num_perm=_BANDS * _BAND_VALUES, seed=1, hashfunc=int)
_BAND_BYTES = _BAND_VALUES * _SIGNATURE.hashvalues.itemsize


def _band_keys(grams: Grams) -> list[bytes]:
    _SIGNATURE.clear()
    _SIGNATURE.update_batch((grams >> numpy.uint64(32)).tolist())
    values = _SIGNATURE.hashvalues.tobytes()
    return [values[at : at + _BAND_BYTES] for at in range(0, len(values), _BAND_BYTES)]
