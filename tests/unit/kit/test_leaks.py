"""The search for secrets finds them however they are spelled: else a test that finds none says nothing."""

import base64
import gzip
from urllib.parse import quote

import pytest

from tests.kit.cluster.leaks import leaks

SECRET = "sk-sentinel/b3f1+c7a9=0"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "Bearer "])
@pytest.mark.parametrize("after", ["", "\n", "xy", "xyz"])
@pytest.mark.parametrize(
    "spell",
    [str.encode, lambda t: base64.b64encode(t.encode()), lambda t: base64.urlsafe_b64encode(t.encode())],
    ids=["plain", "base64", "base64url"],
)
def test_a_secret_is_found_wherever_it_begins(before: str, after: str, spell: "object") -> None:
    text = spell(f"{before}{SECRET}{after}")  # type: ignore[operator]
    assert leaks([SECRET], [("here", b"{" + text + b"}")]) == ["here: sk-sentinel/…"]
    assert leaks([SECRET], [("here", gzip.compress(text))]) == ["here: sk-sentinel/…"]


def test_a_secret_in_a_url_or_in_hex_is_found() -> None:
    for text in (quote(SECRET, safe="").encode(), SECRET.encode().hex().encode()):
        assert leaks([SECRET], [("here", text)])


def test_what_is_not_there_is_not_found() -> None:
    others = [b"sk-sentinel/b3f1+c7a9", base64.b64encode(b"sk-sentinel/b3f1"), b""]
    assert leaks([SECRET], [("here", other) for other in others]) == []
