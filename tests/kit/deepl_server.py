"""A loopback DeepL: /v2/translate (JSON or form), /v2/usage and glossaries, misbehaving as told.

    with DeepLServer() as server:            # translates everything
    with DeepLServer(lambda call: status(429) if call.nth == 1 else None) as server:

A script returns a step, or None to translate as DeepL would. `asked` counts each text of every request that reached it,
`billed` the characters of those that were answered.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.kit.judge_server import Call, ScriptedJudge, Step, http, raw, status

_TAG = re.compile(r"(<[^>]*>|&\w+;)")
Script = Callable[[Call], Step | None]


class DeepLServer(ScriptedJudge):
    """`quota` is the characters that may be billed in all; beyond it the server says 456."""

    def __init__(
        self, script: Script = lambda call: None, *, quota: int = 10**9, key: str = "secret-key-1", port: int = 0
    ) -> None:
        super().__init__(self._answer, port=port)
        self._told, self.quota, self.key = script, quota, key
        self.asked: Counter[str] = Counter()
        self.billed = 0
        self.glossaries: dict[str, dict[str, Any]] = {}

    @property
    def url(self) -> str:
        return self.base_url.removesuffix("/v1")

    def _answer(self, call: Call) -> Step:
        if call.path.startswith("/v2/translate"):
            self.asked.update(texts_of(call))
        told = self._told(call)
        if told is not None:
            return told
        if call.headers.get("authorization") != f"DeepL-Auth-Key {self.key}":
            return status(403, f"bad key {call.headers.get('authorization')}")
        if call.path.startswith("/v2/translate"):
            return self._translate(call)
        if call.path.startswith("/v2/usage"):
            return good({"character_count": self.billed, "character_limit": self.quota})
        return self._glossary(call)

    def _translate(self, call: Call) -> Step:
        size = sum(map(len, texts_of(call)))
        if self.billed + size > self.quota:
            return raw(http("456 Quota exceeded", b'{"message": "Quota Exceeded"}'))
        self.billed += size
        return translations(call)

    def _glossary(self, call: Call) -> Step:
        name = call.path.rsplit("/", 1)[-1]
        if name in self.glossaries:
            del self.glossaries[name]
            return raw(http("204 No Content", b""))
        identifier = f"glossary-{len(self.glossaries)}"
        self.glossaries[identifier] = dict(call.body)
        return good(
            {
                "glossary_id": identifier,
                "name": "polyglot",
                "ready": True,
                "source_lang": "en",
                "target_lang": "es",
                "creation_time": "2026-01-01T00:00:00.000000Z",
                "entry_count": 1,
            }
        )


def texts_of(call: Call) -> list[str]:
    found = call.body.get("text", [])
    return [found] if isinstance(found, str) else list(found)


def spoken(text: str) -> str:
    """A translation that tells: letters change case, tags and entities stay."""
    return "".join(part if number % 2 else part.swapcase() for number, part in enumerate(_TAG.split(text)))


def document(texts: list[str]) -> dict[str, Any]:
    return {
        "translations": [
            {"detected_source_language": "EN", "text": spoken(text), "billed_characters": len(text)} for text in texts
        ]
    }


def good(body: Any) -> Step:
    return raw(http("200 OK", json.dumps(body).encode()))


def translations(call: Call, first: int | None = None) -> Step:
    """Of all texts, or of the first few only."""
    return good(document(texts_of(call)[:first]))


def cut_short(call: Call) -> Step:
    """A reply of which half arrives before the connection closes."""
    body = json.dumps(document(texts_of(call))).encode()
    return raw(http("200 OK", body[: len(body) // 2], length=len(body)), close=True)
