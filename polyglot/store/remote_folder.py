"""A folder of a bucket that is no store: the files of it that are wanted, to be fetched one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from polyglot.core.errors import BadInput, Missing, Permanent
from polyglot.store.locate import open_store
from polyglot.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFolder:
    """What lies directly in it; `sizes` are in bytes, by the names of the wanted files, `others` the other names."""

    shown: str  # the address without its query
    sizes: Mapping[str, int]
    others: Sequence[str]
    store: Store

    @classmethod
    def open(cls, address: str, wanted: Sequence[str]) -> Self:
        """Look into s3://bucket/folder[?endpoint=…] for files of these patterns. Raises Permanent, StoreError."""
        parts = urlsplit(address)
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        if parts.scheme != "s3":
            raise Permanent(f"{shown}: expected s3://bucket/folder")
        try:
            store = open_store(address, where=shown)
        except (BadInput, ValueError) as error:
            raise Permanent(f"{shown}: {error}") from None
        sizes = {entry.path: entry.bytes for entry in store.list("") if "/" not in entry.path}
        chosen = {name for name in sizes if any(fnmatchcase(name, form) for form in wanted)}
        return cls(
            shown=shown,
            sizes={name: sizes[name] for name in sorted(chosen)},
            others=sorted(sizes.keys() - chosen),
            store=store,
        )

    def fetch(self, name: str, folder: Path) -> Path:
        """Fetch a file into a folder of this machine. Raises Permanent where it is gone."""
        try:
            self.store.download(name, folder / name)
        except Missing as error:
            raise Permanent(f"{self.shown}: {error}") from None
        return folder / name
