"""A store in a directory: the embedded default, and every file system that several machines share.

Promises: an object appears whole or not at all (written aside, flushed to the disk, then linked or renamed into place),
and `create` has exactly one winner, because a hard link refuses an existing name. Not promised: that file systems
without hard links work; `doctor` finds them out. Files in the making lie below `.tmp/` of the store.
"""

import errno
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from polyglot.core.errors import Missing, Refused, StoreError
from polyglot.store.files import copy_file
from polyglot.store.paths import check_path, check_prefix
from polyglot.store.store import Entry, Unfinished
from polyglot.store.verify import verify_chunks

_ASIDE = ".tmp"


class DirectoryStore:
    """Implements `Store`. The directory is made by the first write; until then the store is empty."""

    def __init__(self, root: Path) -> None:
        """`root` is made absolute, so that a worker in another working directory finds the same store."""
        self.root = Path(os.path.abspath(root))
        self.url = f"file://{self.root}"

    def read(self, path: str) -> bytes:
        """Return a small object whole. Raises Missing."""
        with self._explained(path), self._at(path).open("rb", buffering=0) as file:
            return file.readall()  # whole: a buffer would only cost time

    def head(self, path: str) -> Entry | None:
        """Return size and time of one object, or None."""
        return self._entry(path, self._at(path))

    def create(self, path: str, data: bytes) -> bool:
        """Write aside, flush, then link: a name that exists is refused by the file system itself."""
        target = self._at(path)
        if target.exists():
            return False
        with self._explained(path), self._aside() as temporary:
            with temporary.open("xb") as file:
                file.write(data)
                _flush(file.fileno())
            self._make(target.parent)
            try:
                os.link(temporary, target)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno in {errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS}:
                    raise Refused(
                        f"{self.url}: this file system has no hard links ({error.strerror}), so it cannot tell who"
                        " wrote first. Keep the store on another file system or in a bucket"
                    ) from error
                raise
            _flush_directory(target.parent)
        return True

    def list(self, prefix: str) -> Iterator[Entry]:
        """Yield the objects below a prefix in the order of their paths."""
        check_prefix(prefix)
        yield from self._walk(self.root / prefix, prefix)

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names below a prefix that have objects below them (empty directories have none)."""
        check_prefix(prefix)
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.root / prefix) as found:
            names = sorted(item.name for item in found if item.is_dir() and not item.name.startswith("."))
            return [name for name in names if next(self._walk(self.root / prefix / name, f"{prefix}{name}/"), None)]
        return []

    def delete(self, path: str) -> None:
        """Delete one object; empty directories stay, as another writer may be about to use them."""
        with self._explained(path):
            self._at(path).unlink(missing_ok=True)

    def upload(self, path: str, source: Path) -> None:
        """Copy aside, flush, rename. A blob that is there already is replaced by equal bytes."""
        target = self._at(path)
        with self._explained(path), self._aside() as temporary:
            copy_file(source, temporary)
            with temporary.open("rb+") as file:
                _flush(file.fileno())
            self._make(target.parent)
            temporary.replace(target)
            _flush_directory(target.parent)

    def download(self, path: str, target: Path, chunks: Sequence[str] = ()) -> None:
        """Copy to a name beside the target, check it, rename. Raises Missing, Corrupt."""
        source = self._at(path)
        if not source.is_file():
            raise Missing(f"{self.url}: there is no {path}")
        beside = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
        try:
            with self._explained(path):
                copy_file(source, beside)
            if chunks:
                verify_chunks(beside, chunks, f"{self.url}: {path}")
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)

    def unfinished(self) -> Iterator[Unfinished]:
        """Yield files in the making, also those whose writer was killed."""
        with suppress(FileNotFoundError):
            for item in sorted((self.root / _ASIDE).iterdir()):
                with suppress(FileNotFoundError):
                    yield Unfinished(path=f"{_ASIDE}/{item.name}", token=item.name, started=_utc(item.stat().st_mtime))

    def abort(self, upload: Unfinished) -> None:
        """Remove a file in the making."""
        (self.root / _ASIDE / Path(upload.token).name).unlink(missing_ok=True)

    def impatient(self) -> "DirectoryStore":
        """Return this store: what a file system does not answer, no program can leave."""
        return self

    def advice(self) -> str:
        """A directory is reached in one way only."""
        return ""

    def now(self) -> datetime:
        """The clock of the file system (another machine's, on a share): the time of a file written just now.

        Of a store that is not there yet: this machine's, as looking makes nothing.
        """
        if not self.root.exists():
            return datetime.now(UTC)
        with self._explained("clock"), self._aside() as temporary:
            temporary.touch()
            return _utc(temporary.stat().st_mtime)

    def _at(self, path: str) -> Path:
        return self.root / check_path(path)

    def _entry(self, path: str, file: Path) -> Entry | None:
        try:
            found = file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not file.is_file():
            return None
        return Entry(path=path, bytes=found.st_size, modified=_utc(found.st_mtime))

    def _walk(self, folder: Path, prefix: str) -> Iterator[Entry]:
        try:
            with os.scandir(folder) as found:
                # "a-b" < "a/b" < "a0": a directory sorts as its name with "/", as the paths below it do.
                items = sorted((item.name + "/" if item.is_dir() else item.name) for item in found)
        except (FileNotFoundError, NotADirectoryError):
            return
        for name in items:
            if name.startswith("."):
                continue
            if name.endswith("/"):
                yield from self._walk(folder / name, prefix + name)
            elif entry := self._entry(prefix + name, folder / name):
                yield entry

    @contextmanager
    def _aside(self) -> Iterator[Path]:
        """A fresh name on the same file system, gone afterwards."""
        folder = self.root / _ASIDE
        self._make(folder)
        temporary = folder / f"{os.getpid()}-{uuid.uuid4().hex}"
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileNotFoundError, FileExistsError, NotADirectoryError) as error:  # a file system without folders too
            raise Refused(f"{self.url}: {folder} cannot be created: {error.strerror}. Choose another store") from error

    @contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        """Turn the operating system's errors into the store's."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise Missing(f"{self.url}: there is no {path}") from error
        except PermissionError as error:
            raise Refused(f"{self.url}: {path}: {error.strerror}. Check the owner and mode of the directory") from error
        except OSError as error:
            raise StoreError(f"{self.url}: {path}: {error.strerror or error}") from error


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _flush(descriptor: int) -> None:
    os.fsync(descriptor)


def _flush_directory(folder: Path) -> None:
    """Make a new name durable; without this a power cut may lose it although the bytes are there."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
