"""What a hub's refusals mean to a stage."""

from collections.abc import Iterator
from contextlib import contextmanager

from polyglot.core.errors import Permanent
from polyglot.core.http_status import is_transient

_NO_ENTRY = frozenset({401, 403, 404})  # the hub says 401 of what is not there, and 404 of what is not shown
_REMEDY = "Set HF_TOKEN_PATH to a file with a token that may read it, or HF_TOKEN (`hub-secret` in a cluster's profile)"


@contextmanager
def asking_hub(what: str) -> Iterator[None]:
    """Raise Permanent, naming `what`, for a refusal that no later attempt mends; other errors pass as they are."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        if is_transient(status):
            raise
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        remedy = f". {_REMEDY}" if status in _NO_ENTRY else ""
        raise Permanent(f"{what}: {said.rstrip('.')}{remedy}") from error
