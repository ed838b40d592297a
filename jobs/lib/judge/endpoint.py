"""Where calls go and with which key; everything about it that can be wrong is said in one line, without secrets."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from jobs.lib.judge.settings import JudgeSettings
from polyglot.core.errors import Permanent

OPENAI = "https://api.openai.com/v1"
_REMEDY = "Set OPENAI_BASE_URL to something like https://host/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An OpenAI-compatible base URL and the key for it; the key is in no repr. `ours`: the built-in judge."""

    base_url: str
    key: str | None = field(default=None, repr=False)
    ours: bool = False

    def scrub(self, text: str) -> str:
        """Take the key out of what a server said; servers quote it in their errors."""
        return text.replace(self.key, "[key]") if self.key and len(self.key) >= 6 else text


def resolve(settings: JudgeSettings, environ: Mapping[str, str]) -> Endpoint:
    """Find base URL and key: settings first, then OPENAI_BASE_URL, OPENAI_API_KEY_FILE, OPENAI_API_KEY.

    Raises Permanent for a URL that cannot work, a key file that cannot be read, and a missing key where OpenAI itself
    is asked (other servers may need none).
    """
    base_url = settings.base_url or environ.get("OPENAI_BASE_URL", "") or OPENAI
    parts = _check_url(base_url)
    key = _key(settings, environ)
    if key is None and parts.hostname == "api.openai.com":
        raise Permanent("no key for api.openai.com. Set OPENAI_API_KEY_FILE to a file with the key, or OPENAI_API_KEY")
    return Endpoint(base_url=base_url.rstrip("/"), key=key)


def in_clear(endpoint: Endpoint) -> bool:
    """True when the key would travel unencrypted to another machine."""
    parts = urlsplit(endpoint.base_url)
    return endpoint.key is not None and parts.scheme == "http" and not _loopback(parts.hostname or "")


def _check_url(url: str) -> SplitResult:
    if any(c.isspace() or not c.isprintable() for c in url):
        raise Permanent(f"the judge's URL holds white space or control characters. {_REMEDY}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Permanent(f"the judge's URL is malformed ({_without_secret(str(error), url)}). {_REMEDY}") from None
    if "@" in parts.netloc:
        raise Permanent(
            f"the judge's URL for {host} carries a user name or password. Take it out; keys go into OPENAI_API_KEY_FILE"
        )
    if parts.scheme not in ("http", "https"):
        got = f"scheme {parts.scheme!r}" if "://" in url else "no scheme"
        raise Permanent(f"the judge's URL: got {got}; expected http:// or https://. {_REMEDY}")
    if not host:
        raise Permanent(f"the judge's URL names no host. {_REMEDY}")
    if parts.query or parts.fragment:
        raise Permanent(f"the judge's URL for {host} has a query or fragment; expected none. {_REMEDY}")
    return parts


def _without_secret(message: str, url: str) -> str:
    """Python quotes the URL's parts in some messages: keep those that do not."""
    return "not a URL" if any(part and part in message for part in (url, url.partition("://")[2])) else message


def _key(settings: JudgeSettings, environ: Mapping[str, str]) -> str | None:
    name = settings.key_file or environ.get("OPENAI_API_KEY_FILE", "")
    if name:
        source = f"key file {name}"
        try:
            key = Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise Permanent(f"{source}: {reason}. It holds the judge's key and nothing else") from None
    else:
        source, key = "OPENAI_API_KEY", environ.get("OPENAI_API_KEY", "").strip()
        if not key:
            return None
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise Permanent(
            f"{source}: got {'nothing' if not key else 'text that is no key'}; expected one line with a key"
        )
    return key


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
