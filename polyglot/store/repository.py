"""What a hub repository's branch is at, and its small files: what is asked of a hub before anything runs.

HF_ENDPOINT, HF_TOKEN and HF_TOKEN_PATH are honoured.
"""

import json
import os
import re
import urllib.request

from polyglot.core.secret_file import read_secret

_TIMEOUT_SECONDS = 30
_SHORT_SECONDS = 5
_COMMIT = re.compile(r"[0-9a-f]{40}")


def newest_commit(name: str, is_dataset: bool) -> str:
    """The commit of a repository's main branch. Raises OSError."""
    answer = _get(f"api/{'datasets' if is_dataset else 'models'}/{name}/revision/main", _TIMEOUT_SECONDS)
    try:
        commit = json.loads(answer).get("sha")
    except (ValueError, AttributeError):
        commit = None
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise OSError("the hub's answer names no commit")
    return commit


def read_repository_file(name: str, revision: str, path: str) -> bytes:
    """A small file of a model's repository at a commit, 16 MiB of it at most; soon given up. Raises OSError."""
    return _get(f"{name}/resolve/{revision}/{path}", _SHORT_SECONDS)


def _get(path: str, seconds: float) -> bytes:
    base = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    headers = {"User-Agent": "polyglot", **({"Authorization": f"Bearer {token}"} if (token := _token()) else {})}
    request = urllib.request.Request(f"{base.rstrip('/')}/{path}", headers=headers)  # noqa: S310 - the user's endpoint
    with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310
        found: bytes = answer.read(2**24)
    return found


def _token() -> str:
    path = os.environ.get("HF_TOKEN_PATH", "")
    return read_secret(path) if path else os.environ.get("HF_TOKEN", "").strip()
