"""Fetching one pinned file from https:// or s3://: bounded in size, verified by its SHA-256.

Messages never hold a URI's query, as pre-signed URIs keep their signature there. Plain http is accepted from the
machine itself only. What another attempt may mend (timeouts, 429, 5xx) is left to the engine as an ordinary exception.
"""

import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from polyglot.core.canonical import sha256_file
from polyglot.core.errors import BadInput, Missing, Permanent
from polyglot.core.http_status import is_transient
from polyglot.kinds.kind import File

_TIMEOUT_SECONDS = 60
_CHUNK = 2**20
MAX_BYTES = 64 * 2**30  # of a file whose size the study does not state (`bytes` below zero)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def fetch(file: File, target: Path) -> Path:
    """Return `target` holding the file's verified bytes. Raises Permanent for a refusal or other bytes than pinned."""
    shown = download(file.uri or "", file.bytes, target)
    digest = sha256_file(target)
    if digest != file.sha256:
        size = target.stat().st_size
        target.unlink()
        raise Permanent(
            f"{shown}: got {size} bytes with sha256 {digest}; expected sha256 {file.sha256}. "
            "The file is not the one that the study pinned: pin it again, or name the pinned version"
        )
    return target


def download(address: str, size: int, target: Path) -> str:
    """Write what an address has to `target`, one byte more than `size` at most (below zero: MAX_BYTES).

    Returns the address as messages show it. Raises Permanent for a refusal.
    """
    uri = urlsplit(address)
    shown = f"{uri.scheme}://{uri.netloc.rpartition('@')[2]}{uri.path}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if uri.scheme == "s3":
        _from_s3(uri, shown, target)
    elif uri.scheme == "https" or (uri.scheme == "http" and uri.hostname in _LOOPBACK):
        _from_web(address, size, shown, target)
    else:
        raise Permanent(f"{shown}: expected https:// or s3://")
    return shown


class _SameSecurity(urllib.request.HTTPRedirectHandler):
    """Follows no redirect from https to plain http."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if req.type == "https" and urlsplit(newurl).scheme != "https":
            raise Permanent(f"{req.host}: redirects to plain http; refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _from_web(address: str, size: int, shown: str, target: Path) -> None:
    request = urllib.request.Request(address, headers={"User-Agent": "polyglot"})  # noqa: S310 - scheme checked
    try:
        with (
            urllib.request.build_opener(_SameSecurity).open(request, timeout=_TIMEOUT_SECONDS) as answer,
            target.open("wb") as out,
        ):
            left = (size if size >= 0 else MAX_BYTES) + 1  # one more shows a file longer than pinned
            while left and (data := answer.read(min(_CHUNK, left))):
                out.write(data)
                left -= len(data)
    except urllib.error.HTTPError as error:
        if is_transient(error.code):
            raise
        raise Permanent(f"{shown}: the server answered {error.code} {error.reason}") from None


def _from_s3(uri: SplitResult, shown: str, target: Path) -> None:
    from polyglot.store.locate import open_store

    bucket = f"s3://{uri.netloc}" + (f"?{uri.query}" if uri.query else "")
    try:
        open_store(bucket, where=shown).download(uri.path.lstrip("/"), target)
    except (BadInput, Missing, ValueError) as error:
        raise Permanent(f"{shown}: {error}") from None
