"""Where an endpoint is, and which key it takes: by its settings, else by the environment.

Endpoints are OpenAI-compatible ones and DeepL's. Asked before anything starts and again by the jobs themselves;
whatever is wrong is said in one line without secrets.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from polyglot.core.errors import BadInput

OPENAI = "https://api.openai.com/v1"
_REMEDY = "Write something like https://host/v1"
_URLS = {"openai": "OPENAI_BASE_URL", "deepl": "DEEPL_SERVER_URL"}


def find_endpoint(base_url: str | None, key_file: str | None, environ: Mapping[str, str]) -> tuple[str, str | None]:
    """Return URL and key: what is given first, then OPENAI_BASE_URL, OPENAI_API_KEY_FILE and OPENAI_API_KEY.

    Raises BadInput for a URL that cannot work, a key file that cannot be read, and a missing key where OpenAI itself is
    asked (other servers may need none).
    """
    url = find_url(base_url, environ) or OPENAI
    key = _key(key_file, "OPENAI_API_KEY", environ)
    if key is None and needs_key(url, "openai"):
        remedy = "Set OPENAI_API_KEY_FILE to a file with the key, or OPENAI_API_KEY"
        raise BadInput("no key for api.openai.com", remedy=remedy)
    return url, key


def find_deepl(url: str | None, key_file: str | None, environ: Mapping[str, str]) -> tuple[str | None, str]:
    """Return URL and key of DeepL: what is given first, then DEEPL_SERVER_URL, DEEPL_AUTH_KEY_FILE and DEEPL_AUTH_KEY.

    URL None: its client tells the address by the key. Raises BadInput as `find_endpoint` does; a key is always needed.
    """
    url = find_url(url, environ, asks="deepl")
    key = _key(key_file, "DEEPL_AUTH_KEY", environ)
    if key is None:
        remedy = "Set DEEPL_AUTH_KEY_FILE to a file with the key, or DEEPL_AUTH_KEY"
        raise BadInput("no key for DeepL", remedy=remedy)
    return url, key


def needs_key(url: str | None, asks: str) -> bool:
    """Whether an endpoint ("openai" or "deepl") answers nobody without a key; None is its own address."""
    return asks == "deepl" or urlsplit(url or OPENAI).hostname == "api.openai.com"


def find_url(url: str | None, environ: Mapping[str, str], *, asks: str = "openai") -> str | None:
    """Return the URL that is given or in the environment; None where neither is. Raises BadInput."""
    if url:
        check_url(url)
        return url.rstrip("/")
    url = environ.get(_URLS[asks], "")
    if not url:
        return None
    check_url(url, where=_URLS[asks])
    return url.rstrip("/")


def check_url(url: str, *, where: str = "") -> SplitResult:
    """Return a base URL's parts. Raises BadInput, which quotes nothing of it that may be secret."""

    def bad(what: str, remedy: str = _REMEDY) -> BadInput:
        return BadInput(what, where=where, remedy=remedy)

    if any(c.isspace() or not c.isprintable() for c in url):
        raise bad("the endpoint's URL holds white space or control characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise bad(f"the endpoint's URL is malformed ({_without_secret(str(error), url)})") from None
    if "@" in parts.netloc:
        remedy = "Take it out; a key goes into a file of its own"
        raise bad(f"the endpoint's URL for {host} carries a user name or password", remedy)
    if parts.scheme not in ("http", "https"):
        got = f"scheme {parts.scheme!r}" if "://" in url else "no scheme"
        raise bad(f"the endpoint's URL: got {got}; expected http:// or https://")
    if not host:
        raise bad("the endpoint's URL names no host")
    if parts.query or parts.fragment:
        raise bad(f"the endpoint's URL for {host} has a query or fragment; expected none")
    return parts


def _without_secret(message: str, url: str) -> str:
    """Python quotes the URL's parts in some messages: keep those that do not."""
    return "not a URL" if any(part and part in message for part in (url, url.partition("://")[2])) else message


def _key(key_file: str | None, variable: str, environ: Mapping[str, str]) -> str | None:
    """The key in a file, else in the file that `<variable>_FILE` names, else in the variable."""
    name = key_file or environ.get(f"{variable}_FILE", "")
    if name:
        source = f"key file {name}"
        try:
            key = Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise BadInput(f"{source}: {reason}", remedy="It holds the key and nothing else") from None
    else:
        source, key = variable, environ.get(variable, "").strip()
        if not key:
            return None
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        got = "nothing" if not key else "text that is no key"
        raise BadInput(f"{source}: got {got}; expected one line with a key")
    return key
