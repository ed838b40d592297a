"""`polyglot pin`: fill in the digests and commits that a study's files and repositories are pinned by."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Annotated
from urllib.parse import urlsplit

import typer

from polyglot.cli.options import StudyFile
from polyglot.cli.output import print_table
from polyglot.core.canonical import sha256_file
from polyglot.core.errors import PolyglotError
from polyglot.kinds.base import MODEL_FILES, folder_digest
from polyglot.store.fetching import download
from polyglot.store.remote_folder import RemoteFolder
from polyglot.store.repository import newest_commit
from polyglot.study.pinning import Pin, pin_text


def command(
    study: StudyFile,
    again: Annotated[
        bool, typer.Option("--again", help="Also replace pins that differ, and move commits to the newest.")
    ] = False,
) -> None:
    """Fill in the SHA-256 of every file and the commit of every repository that a study names, in its own file."""
    text, pins = pin_text(study, again=again, commit_of=newest_commit, digest_of=_digest_of)
    rows = [
        (".".join(map(str, (*pin.place, pin.key))), _said(pin, again), pin.found or pin.had, pin.why) for pin in pins
    ]
    if any(_said(pin, again) in ("filled in", "replaced") for pin in pins):
        _replace(study, text)
    print_table(("what", "result", "value", "reason"), rows)
    bad = [pin for pin in pins if _said(pin, again) in ("unknown", "differs")]
    if bad:
        raise PolyglotError(f"{len(bad)} of {len(pins)} pins need a look; what differs is replaced by --again")


def _said(pin: Pin, again: bool) -> str:
    if not pin.found:
        return "unknown"
    if pin.found == pin.had:
        return "as before"
    if pin.is_new:
        return "filled in"
    return "replaced" if again else "differs"


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all, with its mode and any byte order mark that it had."""
    mark = b"\xef\xbb\xbf" if path.read_bytes().startswith(b"\xef\xbb\xbf") else b""
    target = path.resolve()
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        file.write(mark + text.encode())
    os.chmod(file.name, target.stat().st_mode & 0o7777)
    os.replace(file.name, target)


def _digest_of_folder(address: str, folder: Path) -> tuple[str, int]:
    digests, size = {}, 0
    try:
        remote = RemoteFolder.open(address, MODEL_FILES)
        if not remote.sizes:
            raise OSError("no file of a model lies there")
        for name in remote.sizes:
            digests[name] = sha256_file(remote.fetch(name, folder))
            size += (folder / name).stat().st_size
            (folder / name).unlink()
    except PolyglotError as error:
        raise OSError(str(error)) from error
    return folder_digest(digests), size


def _digest_of(address: str) -> tuple[str, int]:
    """The SHA-256 and size of what an address has now; of a model's folder, that of all its files."""
    with TemporaryDirectory(prefix="polyglot-") as folder:
        if urlsplit(address).path.endswith("/"):
            return _digest_of_folder(address, Path(folder))
        target = Path(folder) / "file"
        try:
            download(address, -1, target)
        except PolyglotError as error:
            raise OSError(str(error)) from error
        return sha256_file(target), target.stat().st_size
