"""What a hub repository's branch is at: the one question that pinning asks of a hub."""

import json
import os
import re
import urllib.request

from polyglot.core.secret_file import read_secret

_TIMEOUT_SECONDS = 30
_COMMIT = re.compile(r"[0-9a-f]{40}")


def newest_commit(name: str, is_dataset: bool) -> str:
    """The commit of a repository's main branch. Raises OSError. HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH are honoured."""
    base = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    url = f"{base.rstrip('/')}/api/{'datasets' if is_dataset else 'models'}/{name}/revision/main"
    headers = {"User-Agent": "polyglot", **({"Authorization": f"Bearer {token}"} if (token := _token()) else {})}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the user's own endpoint
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
        try:
            commit = json.loads(answer.read(2**24)).get("sha")
        except (ValueError, AttributeError):
            commit = None
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise OSError("the hub's answer names no commit")
    return commit


def _token() -> str:
    path = os.environ.get("HF_TOKEN_PATH", "")
    return read_secret(path) if path else os.environ.get("HF_TOKEN", "").strip()
