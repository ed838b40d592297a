"""Names that Kubernetes takes, as sections take them: of objects, labels, images and environment variables.

The API server would refuse the same names, but only after the driver has started, and stage by stage.
"""

import re
from typing import Annotated

from pydantic import AfterValidator

from polyglot.core.section import Broken, Problem

MAX_TEXT = 32_768
_DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME = rf"(?=.{{1,253}}$){_DNS_LABEL}(\.{_DNS_LABEL})*"
_LABEL_VALUE = r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?"
_QUALIFIED = rf"({_DNS_LABEL}(\.{_DNS_LABEL})*/)?[A-Za-z0-9]([A-Za-z0-9._-]{{0,61}}[A-Za-z0-9])?"
_PINNED = r"[a-z0-9][A-Za-z0-9./:_-]{0,250}@sha256:[0-9a-f]{64}"


def _matching(pattern: str, expected: str) -> AfterValidator:
    known = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not known.fullmatch(text):
            raise Broken(Problem(what="bad value", got=repr(text[:80]), expected=expected))
        return text

    return AfterValidator(check)


def _pinned(image: str) -> str:
    """An image by digest: a tag moves, and two attempts of one stage would run two programs."""
    if not re.fullmatch(_PINNED, image, re.ASCII):
        by_tag = bool(image) and "@" not in image
        shown = image[:80] or "IMAGE"
        remedy = f"`docker buildx imagetools inspect {shown}` prints the digest, and so does `make images`"
        what = "not pinned: a tag moves" if by_tag else "not an image by digest"
        raise Broken(Problem(what=what, got=repr(image[:80]), expected="name@sha256:<64 hex digits>", remedy=remedy))
    return image


def _text(text: str) -> str:
    """What every YAML reader gives back as it was: no control characters but tab and newline, no half characters."""
    found = re.search(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]", text)
    if found or len(text) > MAX_TEXT:
        got = ascii(found[0]) if found else f"{len(text)} characters"
        expected = f"at most {MAX_TEXT} characters of plain text"
        raise Broken(Problem(what="text that a manifest cannot carry", got=got, expected=expected))
    return text


DnsLabel = Annotated[str, _matching(_DNS_LABEL, "at most 63 characters a-z 0-9 -, a letter or digit at both ends")]
DnsName = Annotated[str, _matching(_DNS_NAME, "a Kubernetes name: a-z 0-9 - and ., a letter or digit at both ends")]
LabelValue = Annotated[str, _matching(_LABEL_VALUE, "a label's value: at most 63 characters A-Z a-z 0-9 . _ -")]
QualifiedName = Annotated[str, _matching(_QUALIFIED, "a label's key such as cloud.example/pool")]
VariableName = Annotated[str, _matching(r"[A-Za-z_][A-Za-z0-9_]{0,250}", "a variable's name: letters, digits and _")]
PinnedImage = Annotated[str, AfterValidator(_pinned)]
Text = Annotated[str, AfterValidator(_text)]
