"""One call of DeepL through its own client, told as translations or as a named failure.

The client's own retries are off (they wait without hearing a stop, and are counted nowhere); `deepl.py` owns them.
"""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import deepl
import requests
from deepl import http_client
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from jobs.lib.patience import causes
from polyglot.core.endpoint import find_endpoint
from polyglot.core.errors import BadInput, Permanent
from polyglot.kinds.translate import TranslateParams

# Where DeepL knows variants of a language only, the commoner one; NO is Bokmål.
TARGETS = {"EN": "EN-US", "PT": "PT-PT", "NO": "NB", "ZH": "ZH-HANS"}
SOURCES = {"NO": "NB"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Exception):
    """A call without translations. `weight`: "fatal" for all calls, "final" for these texts, else it may pass.

    "slow-down": DeepL cannot answer for now; "away": it was not reached, and knows nothing of the call.
    """

    reason: str
    detail: str
    weight: str = "transient"
    unseen: bool = False  # it may have been billed

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class Client:
    """Threads may share it; each has a connection of its own."""

    def __init__(
        self, params: TranslateParams, *, url: str | None, key_file: str | None, timeout_seconds: float
    ) -> None:
        """Raises Permanent when address or key cannot work."""
        try:
            self._url, key = find_endpoint("deepl", url, key_file, os.environ)
        except BadInput as error:
            raise Permanent(str(error)) from None
        self._key = key or ""  # there is one, as it is needed
        self._params, self._glossary = params, None
        self._local = threading.local()
        http_client.max_network_retries = 0
        http_client.min_connection_timeout = timeout_seconds  # without retries, this is the timeout
        if params.glossary:
            self._glossary = self._asked(lambda client: self._make_glossary(client))

    def translate(self, texts: Sequence[str]) -> tuple[list[str], int | None]:
        """Translations in order, and the characters billed, None where nobody counted them. Raises Failed."""
        params = self._params
        said = self._asked(
            lambda client: client.translate_text(
                list(texts),
                source_lang=SOURCES.get(params.source, params.source),
                target_lang=TARGETS.get(params.target, params.target),
                formality=None if params.formality == "default" else params.formality,
                glossary=self._glossary,
                tag_handling="xml",
                ignore_tags=["x"],
                preserve_formatting=True,
                split_sentences="nonewlines",
            )
        )
        found = said if isinstance(said, list) else [said]
        if len(found) != len(texts):
            detail = f"{len(found)} translations of {len(texts)} texts"
            raise Failed(reason="partial-reply", detail=detail, unseen=True)
        counts = [each.billed_characters for each in found]
        return [each.text for each in found], sum(counts) if min(counts) > 0 else None

    def close(self) -> None:
        """Take the glossary back: DeepL keeps few."""
        if self._glossary is not None:
            glossary, self._glossary = self._glossary, None
            try:
                self._asked(lambda client: client.delete_glossary(glossary))
            except Failed:
                return

    def _make_glossary(self, client: deepl.Translator) -> deepl.GlossaryInfo:
        params = self._params
        return client.create_glossary(
            "polyglot", source_lang=params.source, target_lang=params.target, entries=dict(params.glossary)
        )

    def _asked(self, call: Callable[[deepl.Translator], T]) -> T:
        try:
            return call(self._connection())
        except deepl.AuthorizationException as error:
            raise self._failed("http-403", error, "fatal") from None
        except deepl.QuotaExceededException as error:
            raise self._failed("quota-exceeded", error, "fatal") from None
        except deepl.TooManyRequestsException as error:
            raise self._failed("rate-limited", error, "slow-down") from None
        except deepl.ConnectionException as error:
            if _never_connected(error):
                raise self._failed("unreachable", error, "away") from None
            reason = "timeout" if "timed out" in str(error).lower() else "connection"
            raise self._failed(reason, error, "transient", unseen=True) from None
        except deepl.DeepLException as error:
            status = error.http_status_code
            if status is None:  # a reply that is no JSON
                raise self._failed("bad-reply", error, "transient", unseen=True) from None
            fatal, passing = status in (404, 401), status >= 500 or status == 408
            weight = "fatal" if fatal else "slow-down" if status == 503 else "transient" if passing else "final"
            raise self._failed(f"http-{status}", error, weight) from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:  # JSON, but none of DeepL's
            raise self._failed("bad-reply", error, "transient", unseen=True) from None

    def _failed(self, reason: str, error: Exception, weight: str, *, unseen: bool = False) -> Failed:
        said = " ".join(str(error).replace(self._key, "[key]").split())[:300]
        return Failed(reason=reason, detail=said, weight=weight, unseen=unseen)

    def _connection(self) -> deepl.Translator:
        found: deepl.Translator | None = getattr(self._local, "client", None)
        if found is None:
            found = self._local.client = deepl.DeepLClient(self._key, server_url=self._url, send_platform_info=False)
        return found


def _never_connected(error: BaseException) -> bool:
    """Whether there was no connection that a request could have gone over."""
    for cause in causes(error):
        if isinstance(cause, requests.exceptions.ConnectTimeout):
            return True
        reason = getattr(cause.args[0], "reason", None) if cause.args else None
        if isinstance(reason, NewConnectionError | NameResolutionError | ConnectTimeoutError):
            return True
    return False
