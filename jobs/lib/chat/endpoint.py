"""Where calls go and with which key; everything about it that can be wrong is said in one line, without secrets."""

import ipaddress
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from jobs.lib.chat.settings import CallSettings
from polyglot.core.endpoint import ENDPOINTS, OPENAI, find_endpoint, is_azure, version_problem
from polyglot.core.errors import BadInput, Permanent

__all__ = ["OPENAI", "Endpoint", "announced", "in_clear", "resolve"]
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.")  # a JSON web token


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An OpenAI-compatible base URL and the key for it; the key is in no repr. `ours`: a built-in server.

    `api_version` goes with every request as a query, as Azure's deployments want it.
    """

    base_url: str
    key: str | None = field(default=None, repr=False)
    ours: bool = False
    api_version: str | None = None

    @property
    def azure_key(self) -> str | None:
        """The key where it is sent as `api-key`: to Azure, unless it is a token of Entra's, which is a bearer's."""
        azure = self.api_version is not None or is_azure(self.base_url)
        return self.key if azure and self.key and not _TOKEN.match(self.key) else None

    def scrub(self, text: str) -> str:
        """Take the key out of what a server said; servers quote it in their errors."""
        return text.replace(self.key, "[key]") if self.key and len(self.key) >= 6 else text


def resolve(settings: CallSettings, environ: Mapping[str, str], asks: str = "openai") -> Endpoint:
    """Find base URL and key of a kind of endpoints: settings first, then the environment. Raises Permanent."""
    try:
        base_url, key = find_endpoint(asks, settings.base_url, settings.key_file, environ)
    except BadInput as error:
        raise Permanent(str(error)) from None
    if base_url is None:
        kind = ENDPOINTS[asks]
        raise Permanent(f"no address of {kind.label}. Set {kind.url_variable}")
    if problem := version_problem(base_url, settings.api_version):
        raise Permanent(problem)
    return Endpoint(base_url=base_url, key=key, api_version=settings.api_version)


def announced(
    settings: CallSettings, environ: Mapping[str, str], log: logging.Logger, *, asker: str, asks: str = "openai"
) -> Endpoint:
    """`resolve`, with a warning in the name of who asks when the key would travel unencrypted."""
    endpoint = resolve(settings, environ, asks)
    if in_clear(endpoint):
        log.warning("%s: the key travels unencrypted to %s", asker, endpoint.base_url)
    return endpoint


def in_clear(endpoint: Endpoint) -> bool:
    """True when the key would travel unencrypted to another machine."""
    parts = urlsplit(endpoint.base_url)
    return endpoint.key is not None and parts.scheme == "http" and not _loopback(parts.hostname or "")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
