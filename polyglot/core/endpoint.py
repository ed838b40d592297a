"""The kinds of endpoints that stages ask: where each is, and which key it takes, by settings, else by the environment.

Asked before anything starts and again by the jobs themselves; whatever is wrong is said in one line without secrets. A
new kind is a row of `ENDPOINTS`, a name that parameters may have (kinds.chat, kinds.kind.Asks), and who speaks to it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from polyglot.core.errors import BadInput
from polyglot.core.secret_file import read_secret

# Variables that hold a secret and that the trackers of trainings read themselves, by the tracker
KEYS_OF_TRACKERS: Mapping[str, tuple[str, ...]] = {
    "wandb": ("WANDB_API_KEY",),
    "mlflow": ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD"),
    "trackio": ("HF_TOKEN",),  # of a Space; the hub's own, too
}
TRACKER_KEYS = tuple(dict.fromkeys(name for names in KEYS_OF_TRACKERS.values() for name in names))
OPENAI = "https://api.openai.com/v1"
NO_KEY_FILE = "Write `key-file` beside its `base-url` in the profile"
_REMEDY = "Write something like https://host/v1"
_CHAT_PATH = "/chat/completions"
_VERSION = re.compile(r"/v\d\w*(?:/|$)|/deployments/")
_AZURE = re.compile(r"\.(?:openai|cognitiveservices|services\.ai)\.azure\.\w+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointKind:
    """One kind. Settings are those of the stages that ask it; `profile_key` is that of its Secret in a profile."""

    label: str  # in "no key for …"
    url_variable: str
    key_variable: str  # `<key_variable>_FILE` names a file with the key
    default_url: str | None  # None: the client tells the address by the key
    key_host: str | None  # the host that answers nobody without a key; None: all of this kind
    profile_key: Literal["judge-secret", "deepl-secret"]
    url_setting: str = "base_url"
    key_setting: str = "key_file"

    def needs_key(self, url: str | None) -> bool:
        """Whether nobody is answered without a key; None is its own address."""
        return self.key_host is None or urlsplit(url or self.default_url or "").hostname == self.key_host


ENDPOINTS: Mapping[str, EndpointKind] = {
    "openai": EndpointKind(  # any compatible one
        label="api.openai.com",
        url_variable="OPENAI_BASE_URL",
        key_variable="OPENAI_API_KEY",
        default_url=OPENAI,
        key_host="api.openai.com",
        profile_key="judge-secret",
    ),
    "deepl": EndpointKind(
        label="DeepL",
        url_variable="DEEPL_SERVER_URL",
        key_variable="DEEPL_AUTH_KEY",
        default_url=None,
        key_host=None,
        profile_key="deepl-secret",
        url_setting="deepl_url",
        key_setting="deepl_key_file",
    ),
}


def find_endpoint(
    asks: str, url: str | None, key_file: str | None, environ: Mapping[str, str]
) -> tuple[str | None, str | None]:
    """Return URL and key of a kind of ENDPOINTS: what is given first, then what the environment's variables say.

    Raises BadInput for a URL that cannot work, a key file that cannot be read, and a missing key where one is needed.
    """
    kind = ENDPOINTS[asks]
    url = find_url(asks, url, environ) or kind.default_url
    key = _key(key_file, kind.key_variable, environ)
    if key is None and kind.needs_key(url):
        remedy = f"Set {kind.key_variable}_FILE to a file with the key, or {kind.key_variable}"
        remedy += f"; or {kind.url_variable} to the address of an endpoint of your own"
        remedy = NO_KEY_FILE if key_file == "" else remedy
        raise BadInput(f"no key for {kind.label}", remedy=remedy)
    return url, key


def find_url(asks: str, url: str | None, environ: Mapping[str, str]) -> str | None:
    """Return the URL that is given or in the environment; None where neither is. Raises BadInput."""
    variable = ENDPOINTS[asks].url_variable
    found, where = (url, "") if url else (environ.get(variable, ""), variable)
    if not found:
        return None
    check_url(found, where=where)
    return found.rstrip("/")


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
    if "api-version" in parse_qs(parts.query):
        remedy = "Take it out, and write the version as `api-version` beside `base-url` in the profile"
        raise bad(f"the endpoint's URL for {host} has api-version in its query", remedy)
    if parts.query or parts.fragment:
        raise bad(f"the endpoint's URL for {host} has a query or fragment; expected none")
    if parts.path.rstrip("/").endswith(_CHAT_PATH):
        raise bad(f"the endpoint's URL for {host} ends in {_CHAT_PATH}, which is added to it", f"Take {_CHAT_PATH} off")
    return parts


def lacks_version(url: str) -> bool:
    """Whether a base URL names no version of its API, as /v1, so that this may be what it lacks."""
    return _VERSION.search(urlsplit(url).path) is None


def is_azure(url: str) -> bool:
    """Whether it is Azure's own host, which takes a key in a header of its own."""
    return _AZURE.search(urlsplit(url).hostname or "") is not None


def version_problem(url: str, api_version: str | None) -> str:
    """What is wrong with an address of Azure without the version that it wants in every request; "" else."""
    parts = urlsplit(url)
    if api_version is not None or not is_azure(url) or "/deployments/" not in parts.path:
        return ""
    return (
        f"the endpoint's URL for {parts.hostname} names a deployment, and no api-version goes with it. Write "
        f"`api-version` beside `base-url` in the profile, such as 2024-10-21, or https://{parts.hostname}/openai/v1"
    )


def _without_secret(message: str, url: str) -> str:
    """Python quotes the URL's parts in some messages: keep those that do not."""
    return "not a URL" if any(part and part in message for part in (url, url.partition("://")[2])) else message


def _key(key_file: str | None, variable: str, environ: Mapping[str, str]) -> str | None:
    """The key in a file, else in the file that `<variable>_FILE` names, else in the variable; none for the file ''."""
    if key_file == "":
        return None
    name = key_file or environ.get(f"{variable}_FILE", "")
    if name:
        source = f"key file {name}"
        try:
            key = read_secret(name)
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
