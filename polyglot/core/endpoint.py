"""Where an OpenAI-compatible endpoint is, and which key it takes: by its settings, else by the environment.

Asked before anything starts and again by the judge itself; whatever is wrong is said in one line without secrets.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from polyglot.core.errors import BadInput

OPENAI = "https://api.openai.com/v1"
_REMEDY = "Write something like https://host/v1"


def find_endpoint(base_url: str | None, key_file: str | None, environ: Mapping[str, str]) -> tuple[str, str | None]:
    """Return URL and key: what is given first, then OPENAI_BASE_URL, OPENAI_API_KEY_FILE and OPENAI_API_KEY.

    Raises BadInput for a URL that cannot work, a key file that cannot be read, and a missing key where OpenAI itself is
    asked (other servers may need none).
    """
    url, parts = find_url(base_url, environ)
    key = _key(key_file, environ)
    if key is None and parts.hostname == "api.openai.com":
        remedy = "Set OPENAI_API_KEY_FILE to a file with the key, or OPENAI_API_KEY"
        raise BadInput("no key for api.openai.com", remedy=remedy)
    return url, key


def find_url(base_url: str | None, environ: Mapping[str, str]) -> tuple[str, SplitResult]:
    """Return the endpoint's URL, whole and in parts. Raises BadInput."""
    if base_url:
        return base_url.rstrip("/"), check_url(base_url)
    url = environ.get("OPENAI_BASE_URL", "") or OPENAI
    return url.rstrip("/"), check_url(url, where="" if url == OPENAI else "OPENAI_BASE_URL")


def check_url(url: str, *, where: str = "") -> SplitResult:
    """Return a base URL's parts. Raises BadInput, which quotes nothing of it that may be secret."""

    def bad(what: str, remedy: str = _REMEDY) -> BadInput:
        return BadInput(what, where=where, remedy=remedy)

    if any(c.isspace() or not c.isprintable() for c in url):
        raise bad("the judge's URL holds white space or control characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise bad(f"the judge's URL is malformed ({_without_secret(str(error), url)})") from None
    if "@" in parts.netloc:
        remedy = "Take it out; keys go into OPENAI_API_KEY_FILE"
        raise bad(f"the judge's URL for {host} carries a user name or password", remedy)
    if parts.scheme not in ("http", "https"):
        got = f"scheme {parts.scheme!r}" if "://" in url else "no scheme"
        raise bad(f"the judge's URL: got {got}; expected http:// or https://")
    if not host:
        raise bad("the judge's URL names no host")
    if parts.query or parts.fragment:
        raise bad(f"the judge's URL for {host} has a query or fragment; expected none")
    return parts


def _without_secret(message: str, url: str) -> str:
    """Python quotes the URL's parts in some messages: keep those that do not."""
    return "not a URL" if any(part and part in message for part in (url, url.partition("://")[2])) else message


def _key(key_file: str | None, environ: Mapping[str, str]) -> str | None:
    name = key_file or environ.get("OPENAI_API_KEY_FILE", "")
    if name:
        source = f"key file {name}"
        try:
            key = Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise BadInput(f"{source}: {reason}", remedy="It holds the judge's key and nothing else") from None
    else:
        source, key = "OPENAI_API_KEY", environ.get("OPENAI_API_KEY", "").strip()
        if not key:
            return None
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        got = "nothing" if not key else "text that is no key"
        raise BadInput(f"{source}: got {got}; expected one line with a key")
    return key
