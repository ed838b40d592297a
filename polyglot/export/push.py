"""A folder to a repository of the Hugging Face hub, as one commit: all of it, or nothing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from polyglot.core.errors import BadInput, PolyglotError
from polyglot.kinds.base import MODEL_FILES, PICKLED_WEIGHTS

# Files of a model that was pushed before, which a loader would take beside the new ones. A licence is people's.
_REPLACED = (
    *(pattern for pattern in MODEL_FILES if not pattern.startswith("LICENSE")),
    *PICKLED_WEIGHTS,
    "adapter_config.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """Where a commit is, and whether its repository is private: one that was there before is left as it was."""

    address: str
    private: bool


def check_repository(name: str) -> None:
    """Raise BadInput where nothing could be pushed to a repository of this name; asks nobody."""
    try:
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # exported by need
    except ImportError as error:
        remedy = "Install polyglot-lab[worker], or upload what `polyglot fetch` wrote by other means"
        raise BadInput("pushing needs huggingface_hub, which is not installed", remedy=remedy) from error
    wrong = BadInput("not a repository's name", got=repr(name[:80]), expected="OWNER/NAME")
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise wrong from error
    if name.count("/") != 1:
        raise wrong


def push(folder: Path, repository: str, *, private: bool, message: str) -> Pushed:
    """Make the repository where there is none, and commit the folder's files in the place of those of a model there.

    The library takes address and token as everywhere: HF_ENDPOINT, HF_TOKEN_PATH. Raises BadInput for a name or an
    address that cannot be one, PolyglotError for what the hub refuses or does not answer.
    """
    check_repository(repository)
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.errors import RepositoryNotFoundError
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]  # likewise

    if not sys.stderr.isatty():
        disable_progress_bars()
    api = HfApi(library_name="polyglot")
    with _told(api.endpoint, repository):
        try:
            private = bool(api.model_info(repository).private)
        except RepositoryNotFoundError:
            api.create_repo(repository, private=private, exist_ok=True)
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        before = [name for name in api.list_repo_files(repository) if name not in files and "/" not in name]
        gone = [name for name in before if any(fnmatch(name, pattern) for pattern in _REPLACED)]
        made = api.create_commit(
            repository,
            [
                *(CommitOperationDelete(path_in_repo=name) for name in gone),
                *(CommitOperationAdd(path_in_repo=name, path_or_fileobj=path) for name, path in sorted(files.items())),
            ],
            commit_message=message,
        )
    return Pushed(address=str(made.commit_url), private=private)


@contextmanager
def _told(endpoint: str, repository: str) -> Iterator[None]:
    """What the library raises, in a line: the hub's refusals, a network that fails, uploads that end early."""
    from httpx2 import HTTPError, InvalidURL, LocalProtocolError, UnsupportedProtocol
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except (InvalidURL, UnsupportedProtocol) as error:
        expected = "an address such as https://huggingface.co"
        raise BadInput("not an address", where="HF_ENDPOINT", got=repr(endpoint[:80]), expected=expected) from error
    except (LocalProtocolError, UnicodeEncodeError) as error:
        if isinstance(error, LocalProtocolError) and "header" not in str(error):
            raise PolyglotError(f"hub {repository} at {endpoint}: {_line(error)}") from error
        # what the library says has the token in it, and so has the traceback's last line
        raise BadInput("no token: it has a character that none has", where="HF_TOKEN_PATH") from None
    except HfHubHTTPError as error:
        remedy = ""
        if error.response.status_code in (401, 403):
            remedy = ". Set HF_TOKEN_PATH to a file with a token that may write it; the same command goes on"
        raise PolyglotError(f"hub {repository}: {_line(error)}{remedy}") from error
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        raise PolyglotError(f"hub {repository} at {endpoint}: {_line(error)}") from error


def _line(error: BaseException) -> str:
    """What an error says, and what the one that caused it says; uploads wrap the network's own."""
    told = [str(error) or type(error).__name__]
    if error.__cause__ is not None and str(error.__cause__) not in told[0]:
        told.append(str(error.__cause__) or type(error.__cause__).__name__)
    return " ".join(": ".join(told).split())[:300]
