"""Bringing a published model into an artifact: only the files that inference and training read, none that can run.

What may be listed is decided before a byte of weights is fetched: pickles and code are refused or left out by name;
and the configuration and the tokenizer are loaded first, so that what asks for code or is unknown costs no download.
Weights from a hub are verified against the SHA-256 that the hub keeps of them at the pinned revision.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from jobs.lib.context import Context
from jobs.lib.http_errors import asking_hub
from jobs.lib.model.loading import PICKLES, check_configuration
from jobs.lib.model.pickled_weights import convert_pickles
from jobs.lib.patience import Patience
from polyglot.core.canonical import sha256_file
from polyglot.core.errors import Permanent
from polyglot.kinds.base import MODEL_FILES, PICKLED_WEIGHTS, BaseParams, files_of, folder_digest
from polyglot.store.remote_folder import RemoteFolder

Check = Callable[[Path], None]
_PICKLED = "pickled"  # of the working folder


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
    wanted, small = _weights_last(path for path in sha256 if _is_wanted(path, params.convert))
    if small == len(wanted):
        raise Permanent(f"hub {name}: {_no_weights(list(sha256), params.convert)}")
    if params.convert and any(fnmatchcase(path, MODEL_FILES[0]) for path in sha256):
        raise Permanent(f"hub {name}: has safetensors weights, so nothing is to be converted. Remove `convert`")
    for number, path in enumerate(wanted):
        context.raise_if_stopping()
        if number == small:
            check(out)
        download = partial(hub.hf_hub_download, name, path, revision=revision, local_dir=context.work / "hub")
        with asking_hub(what):  # a gated repository is described to everybody
            fetched = Path(patience.ask(what, download))
        _verify(fetched, sha256[path], f"hub {name}: {path}")
        shutil.move(fetched, _place(path, out, context))
        context.progress(number + 1, len(wanted), "files")
    _convert(context, out)


def copy_files(params: BaseParams, out: Path, context: Context, check: Check = check_configuration) -> None:
    """Copy a model's files from the store's blobs, each under its own name; see `fetch_hub`. Raises Permanent."""
    names = [file.name for file in params.files]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Permanent(f"model files: two are named {twice}")
    for file in params.files:
        if Path(file.name).suffix in PICKLES and not _is_wanted(file.name, params.convert):
            raise Permanent(
                f"model file {file.name}: may run code when read. Convert the weights to safetensors, or add "
                "`convert: pickle`"
            )
        if not _is_wanted(file.name, params.convert):
            raise Permanent(
                f"model file {file.name}: no file of a model; expected {' '.join(files_of(params.convert))}"
            )
        if file.uri is not None:
            raise Permanent(f"model file {file.name}: got an address; expected a local path in the study file")
    sha256 = {file.name: file.sha256 for file in params.files}
    ordered, small = _weights_last(sha256)
    for number, name in enumerate(ordered):
        if number == small:
            check(out)
        shutil.copyfile(context.blob(sha256[name]), _place(name, out, context))
        context.progress(number + 1, len(ordered), "files")
    _convert(context, out)


def fetch_prefix(params: BaseParams, out: Path, context: Context, check: Check = check_configuration) -> None:
    """Fetch a model from a folder of a bucket, and hold it to what the study pinned; see `fetch_hub`."""
    folder = RemoteFolder.open(params.prefix or "", MODEL_FILES)
    ordered, small = _weights_last(folder.sizes)
    if small == len(ordered):
        raise Permanent(f"{folder.shown}: {_no_weights(folder.others, None)}")
    for number, name in enumerate(ordered):
        context.raise_if_stopping()
        if number == small:
            check(out)
        folder.fetch(name, out)
        context.progress(number + 1, len(ordered), "files")
    found = folder_digest({name: sha256_file(out / name) for name in ordered})
    if found != params.sha256:
        raise Permanent(
            f"{folder.shown}: got files with sha256 {found} in all; expected {params.sha256}. What lies there is not "
            "what the study pinned: pin it again, or name the pinned version"
        )


def _no_weights(names: Sequence[str], convert: str | None) -> str:
    """What is there instead, and the way out."""
    pickles = sorted(name for name in names if Path(name).suffix in PICKLES)
    wanted = "safetensors" if convert is None else PICKLED_WEIGHTS[0]
    said = f"no {wanted} weights (got {', '.join(pickles[:3]) or 'none'})"
    if convert is not None:
        return f"{said}. Remove `convert`"
    if not any(fnmatchcase(name, form) for name in names for form in PICKLED_WEIGHTS):
        return f"{said}. Convert them first"
    return (
        f"{said}. Name a commit that has them converted, or add `convert: pickle`: they are read without running code"
    )


def _place(name: str, out: Path, context: Context) -> Path:
    """Where a file goes: pickles are only read here, and are no part of the result."""
    if Path(name).suffix not in PICKLES:
        return out / name
    (context.work / _PICKLED).mkdir(exist_ok=True)
    return context.work / _PICKLED / name


def _convert(context: Context, out: Path) -> None:
    """Convert what was put aside, where there is any."""
    pickles = sorted((context.work / _PICKLED).glob("*"))
    if pickles:
        convert_pickles(pickles, out)


def _weights_last(names: Iterable[str]) -> tuple[list[str], int]:
    """In which order files are brought, and how many come before the weights: the configuration may be refused."""
    ends = (".safetensors", *PICKLES)
    ordered = sorted(names, key=lambda name: (name.endswith(ends), name))
    return ordered, sum(not name.endswith(ends) for name in ordered)


def _is_wanted(path: str, convert: str | None) -> bool:
    return "/" not in path and "\\" not in path and any(fnmatchcase(path, form) for form in files_of(convert))


def _verify(path: Path, sha256: str | None, name: str) -> None:
    """Small files have no SHA-256 on the hub; they are named by the revision alone."""
    if sha256 is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise OSError(f"{name}: got bytes with sha256 {found}, expected {sha256}")  # transient: fetched anew
