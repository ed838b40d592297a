"""Mix names: which languages' instructions a model is tuned on, in what form and how many.

    mix      = forms [ "@" size ]
    forms    = codes [ "-sampled" | "-t" temperature ] | share ( "," share )*
    codes    = ISO 639-1 codes without separators       EN, DEFRITES, ENDEFRITES, NOFI
    share    = code ":" weight                          EN:0.5,DE:0.25,FR:0.25
    temperature = 0.1 to 100, three decimals at most    ENDEFRITES-t2.5
    size     = number of ids, 1 or more                 ENDEFRITES-sampled@1000

A mix is a set: the canonical form orders languages as the paper does (EN DE FR IT ES), then by code. Shares imply the
sampled form. They are normalised to millionths that sum to one exactly (largest remainder, ties in canonical order), so
`EN:2,DE:1,FR:1` is `EN:0.5,DE:0.25,FR:0.25`; equal shares are the plain sampled form. One language is never sampled.
A temperature is the sampled form with shares that only the data know: rows^(1/temperature), renormalised.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from polyglot.core.errors import BadInput
from polyglot.core.languages import is_language, language_rank

_MILLION = 1_000_000
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,12})?(e-?\d{1,2})?", re.ASCII)
_TEMPERATURE = re.compile(r"\d{1,3}(\.\d{1,3})?", re.ASCII)
_SIZE = re.compile(r"[1-9]\d{0,11}", re.ASCII)


def extent(languages: Sequence[str], size: int | None) -> tuple[int, float]:
    """How many languages, then how many ids (None: all): the widest mix at its largest size has the highest."""
    return len(languages), math.inf if size is None else float(size)


@dataclass(frozen=True, slots=True)
class Mix:
    """A parsed mix. `millionths` are shares in the order of `languages` (None: equal, or by `temperature` from the
    data); `size` counts ids (None: all).
    """

    languages: tuple[str, ...]
    millionths: tuple[int, ...] | None = None
    sampled: bool = False
    size: int | None = None
    temperature: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Mix":
        """Parse any spelling, upper or lower case. Raises BadInput with what is wrong."""
        forms, at, size_text = text.strip().partition("@")
        size = _parse_size(text, size_text) if at else None
        if not forms.isascii():  # upper() would make SS of ß and FI of the ligature
            raise _bad(text, "letters other than A to Z", "ISO 639-1 codes such as EN, DE or NO")
        if not forms:
            raise _bad(text, "a mix without languages", "language codes such as EN or DEFRITES")
        if ":" in forms:
            return _parse_shares(text, forms, size)
        codes, dash, form = forms.partition("-")
        temperature = None
        if form[:1].lower() == "t":
            temperature = _parse_temperature(text, form[1:])
        elif dash and form.lower() != "sampled":
            raise _bad(text, f"unknown form {form!r}", "`-sampled`, `-t` with a temperature, or nothing")
        languages = _parse_codes(text, codes)
        if len(languages) == 1:
            return cls(languages, size=size)
        return cls(languages, sampled=bool(dash), size=size, temperature=temperature)

    @property
    def canonical(self) -> str:
        """The one spelling of this mix: `parse(canonical) == self`."""
        if self.millionths is not None:
            shares = zip(self.languages, self.millionths, strict=True)
            name = ",".join(f"{language}:{f'0.{part:06d}'.rstrip('0')}" for language, part in shares)
        elif self.temperature is not None:
            name = f"{''.join(self.languages)}-t{self.temperature:g}"
        else:
            name = "".join(self.languages) + ("-sampled" if self.sampled else "")
        return name if self.size is None else f"{name}@{self.size}"

    @property
    def extent(self) -> tuple[int, float]:
        """See `extent`."""
        return extent(self.languages, self.size)

    @property
    def weights(self) -> tuple[float, ...]:
        """Shares in the order of `languages`, as a document has them; equal ones where the name says none."""
        count = len(self.languages)
        return (1 / count,) * count if self.millionths is None else tuple(part / _MILLION for part in self.millionths)

    @property
    def form(self) -> "Mix":
        """The same mix of all ids: languages and form without the size."""
        return self.with_size(None)

    def with_size(self, size: int | None) -> "Mix":
        """Return the same mix at another size."""
        return replace(self, size=size)

    def __str__(self) -> str:
        return self.canonical


def _parse_size(text: str, size: str) -> int:
    if not _SIZE.fullmatch(size):
        raise _bad(text, f"bad size {size!r}", "a whole number of ids, 1 or more, such as @1000")
    return int(size)


def _parse_temperature(text: str, number: str) -> float:
    if not _TEMPERATURE.fullmatch(number) or not 0.1 <= float(number) <= 100:
        raise _bad(text, f"bad temperature {number!r}", "0.1 to 100 with three decimals at most, such as -t2.5")
    return float(number)


def _parse_codes(text: str, codes: str) -> tuple[str, ...]:
    if len(codes) % 2:
        raise _bad(text, "languages do not split into two-letter codes", "ISO 639-1 codes such as DEFRITES")
    return _check_languages(text, [codes[start : start + 2].upper() for start in range(0, len(codes), 2)])


def _check_languages(text: str, codes: list[str]) -> tuple[str, ...]:
    for code in codes:
        if not is_language(code):
            raise _bad(text, f"unknown language {code!r}", "ISO 639-1 codes such as EN, DE or NO")
    if len(set(codes)) < len(codes):
        twice = next(code for code in codes if codes.count(code) > 1)
        raise _bad(text, f"language {twice} is named twice", "each language once")
    return tuple(sorted(codes, key=language_rank))


def _parse_shares(text: str, forms: str, size: int | None) -> Mix:
    weights: dict[str, Fraction] = {}
    codes = []
    for share in forms.split(","):
        code, colon, number = (part.strip() for part in share.partition(":"))
        if not colon or not _NUMBER.fullmatch(number.lower()):
            raise _bad(
                text, f"bad share {share.strip()!r}", "code:weight with a positive number, such as EN:0.5,DE:0.5"
            )
        codes.append(code.upper())
        weights[code.upper()] = Fraction(number)
        if weights[code.upper()] <= 0:
            raise _bad(text, f"weight {number} of {code.upper()}", "a positive weight; leave the language out instead")
    languages = _check_languages(text, codes)
    millionths = apportion([weights[language] for language in languages])
    if millionths == apportion([Fraction(1)] * len(languages)):  # equal, or not told apart by any name
        return Mix(languages, sampled=len(languages) > 1, size=size)
    if 0 in millionths:
        raise _bad(text, "a share below one millionth", "weights of which each is a millionth of their sum or more")
    return Mix(languages, tuple(millionths), True, size)


def apportion(weights: list[Fraction]) -> list[int]:
    """Split a million in proportion, by largest remainder, ties in order."""
    quotas = [weight * _MILLION / sum(weights) for weight in weights]
    parts = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(parts)), key=lambda index: (parts[index] - quotas[index], index))
    for index in by_remainder[: _MILLION - sum(parts)]:
        parts[index] += 1
    return parts


def _bad(text: str, what: str, expected: str) -> BadInput:
    return BadInput(f"bad mix name: {what}", got=repr(text[:80]), expected=expected)
