"""Bringing a published model into an artifact: only the files that inference and training read, none that can run.

What may be listed is decided before a byte of weights is fetched: pickles and code are refused or left out by name;
and the configuration and the tokenizer are loaded first, so that what asks for code or is unknown costs no download.
Weights from a hub are verified against the SHA-256 that the hub keeps of them at the pinned revision.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from jobs.lib.context import Context
from jobs.lib.http_errors import asking_hub
from jobs.lib.model.loading import PICKLES, check_configuration
from jobs.lib.patience import Patience
from polyglot.core.errors import Permanent
from polyglot.kinds.base import BaseParams

Check = Callable[[Path], None]
WANTED = (
    "*.safetensors",
    "*.safetensors.index.json",
    "*.json",
    "*.model",
    "*.spm",
    "*.txt",
    "*.jinja",
    "LICENSE*",
    "README.md",
)


def fetch_hub(params: BaseParams, out: Path, context: Context, check: Check = check_configuration) -> None:
    """Download a model at its pinned revision; HF_ENDPOINT, HF_TOKEN and HF_TOKEN_PATH are honoured. Raises Permanent.

    `check` looks at what has come before the weights are fetched, and raises to end it.

    Files in folders of the repository (copies in other formats) are left out, as are pickles, which may run code.
    """
    from huggingface_hub import HfApi

    name, revision = params.hub or "", params.revision or ""
    hub, what = HfApi(endpoint=os.environ.get("HF_ENDPOINT")), f"hub {name}@{revision[:12]}"
    patience = Patience(context)
    with asking_hub(what):
        info = patience.ask(what, lambda: hub.model_info(name, revision=revision, files_metadata=True))
    if info.sha != revision:
        raise Permanent(f"hub {name}: got revision {info.sha}; expected the commit {revision}")
    sha256 = {file.rfilename: file.lfs.sha256 if file.lfs else None for file in info.siblings or []}
    wanted, small = _weights_last(filter(_is_wanted, sha256))
    if small == len(wanted):
        pickles = [path for path in sorted(sha256) if Path(path).suffix in PICKLES]
        raise Permanent(
            f"hub {name}: no safetensors weights (got {', '.join(pickles[:3]) or 'none'}). Convert them first"
        )
    for number, path in enumerate(wanted):
        context.raise_if_stopping()
        if number == small:
            check(out)
        download = partial(hub.hf_hub_download, name, path, revision=revision, local_dir=context.work / "hub")
        with asking_hub(what):  # a gated repository is described to everybody
            fetched = Path(patience.ask(what, download))
        _verify(fetched, sha256[path], f"hub {name}: {path}")
        shutil.move(fetched, out / path)
        context.progress(number + 1, len(wanted), "files")


def copy_files(params: BaseParams, out: Path, context: Context, check: Check = check_configuration) -> None:
    """Copy a model's files from the store's blobs, each under its own name; see `fetch_hub`. Raises Permanent."""
    names = [file.name for file in params.files]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Permanent(f"model files: two are named {twice}")
    for file in params.files:
        if Path(file.name).suffix in PICKLES:
            raise Permanent(f"model file {file.name}: may run code when read. Convert the weights to safetensors")
        if not _is_wanted(file.name):
            raise Permanent(f"model file {file.name}: no file of a model; expected {' '.join(WANTED)}")
        if file.uri is not None:
            raise Permanent(f"model file {file.name}: got an address; expected a local path in the study file")
    sha256 = {file.name: file.sha256 for file in params.files}
    ordered, small = _weights_last(sha256)
    for number, name in enumerate(ordered):
        if number == small:
            check(out)
        shutil.copyfile(context.blob(sha256[name]), out / name)
        context.progress(number + 1, len(ordered), "files")


def _weights_last(names: Iterable[str]) -> tuple[list[str], int]:
    """In which order files are brought, and how many come before the weights: the configuration may be refused."""
    ordered = sorted(names, key=lambda name: (name.endswith(".safetensors"), name))
    return ordered, sum(not name.endswith(".safetensors") for name in ordered)


def _is_wanted(path: str) -> bool:
    return "/" not in path and "\\" not in path and any(fnmatchcase(path, form) for form in WANTED)


def _verify(path: Path, sha256: str | None, name: str) -> None:
    """Small files have no SHA-256 on the hub; they are named by the revision alone."""
    if sha256 is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise OSError(f"{name}: got bytes with sha256 {found}, expected {sha256}")  # transient: fetched anew
