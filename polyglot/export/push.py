"""A folder to a repository of the Hugging Face hub, as one commit: all of it, or nothing."""

from pathlib import Path

from polyglot.core.errors import BadInput, PolyglotError


def push(folder: Path, repository: str, *, private: bool, message: str) -> str:
    """Make the repository where there is none, commit the folder's files, and return the commit's address.

    The library takes address and token as everywhere: HF_ENDPOINT, HF_TOKEN_PATH. Raises BadInput where it is not
    installed, PolyglotError for what the hub refuses.
    """
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError as error:
        remedy = "Install polyglot-lab[worker], or upload what `polyglot fetch` wrote by other means"
        raise BadInput("pushing needs huggingface_hub, which is not installed", remedy=remedy) from error
    api = HfApi(library_name="polyglot")
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        made = api.upload_folder(repo_id=repository, folder_path=folder, commit_message=message)
    except HFValidationError as error:
        raise BadInput("not a repository's name", got=repr(repository[:80]), expected="owner/name") from error
    except (HfHubHTTPError, OSError) as error:
        remedy = "Set HF_TOKEN_PATH to a file with a token that may write it"
        said = " ".join(str(error).split())[:300]
        raise PolyglotError(f"hub {repository}: {said}. {remedy}; the same command goes on") from error
    return str(made.commit_url)
