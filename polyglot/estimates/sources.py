"""What lies outside of the store, as a forecast may look at it: local files, the catalogue, and the hub's small files.

Nothing here fails: what cannot be looked at is None, and the words beside it say why. The hub is asked once a model,
for its configuration alone, and only for what the catalogue does not have.
"""

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from polyglot.core.canonical import Json
from polyglot.kinds.forecast import Amounts
from polyglot.store.repository import read_repository_file
from polyglot.study.catalogue import Entry, load_catalogue
from polyglot.study.lock import Locked
from polyglot.study.sizes import count_lines

_ENOUGH_LINES = 10**9


class Outside:
    """The sources of one locked study (`polyglot.kinds.forecast.Sources`)."""

    def __init__(self, locked: Locked, folder: Path, workers: Mapping[str, str] | None = None) -> None:
        """`folder` is the study's: a catalogue.yaml there adds to the built-in one. `workers` is the environment that
        a profile gives to workers elsewhere.
        """
        self._local, self._folder = locked.local_files, folder
        self._hub_elsewhere = "HF_ENDPOINT" in (workers or {})
        self._entries: dict[str, Entry] | None = None
        self._configs: dict[tuple[str, str], tuple[Mapping[str, Json] | None, str]] = {}

    def local(self, sha256: str) -> Path | None:
        """See Sources."""
        return self._local.get(sha256)

    def lines(self, sha256: str) -> int | None:
        """See Sources."""
        path = self._local.get(sha256)
        return None if path is None or path.suffix not in (".jsonl", ".ndjson") else _lines(path)

    def published_config(self, hub: str, revision: str) -> tuple[Mapping[str, Json] | None, str]:
        """See Sources: the catalogue's shape first, as it needs no network; a hub of one's own may have another."""
        if (hub, revision) not in self._configs:
            self._configs[hub, revision] = self._config(hub, revision)
        return self._configs[hub, revision]

    def published_amounts(self, named: str) -> Amounts | None:
        """See Sources."""
        entry = self._by_source.get(named)
        if entry is None or entry.amounts is None:
            return None
        source = f"the catalogue: {entry.amounts.rows} rows a language"
        return Amounts(rows=entry.amounts.rows, characters=entry.amounts.characters, source=source)

    def _config(self, hub: str, revision: str) -> tuple[Mapping[str, Json] | None, str]:
        entry, own = self._by_source.get(hub), bool(os.environ.get("HF_ENDPOINT"))
        if self._hub_elsewhere and not own:
            return None, f"{hub} is on the workers' own hub; set HF_ENDPOINT here, too"
        if entry is not None and entry.shape is not None and not own:
            return entry.shape, "the catalogue"
        try:
            found = json.loads(read_repository_file(hub, revision, "config.json"))
        except (OSError, ValueError) as error:
            return None, f"config.json of {hub} cannot be read ({error})"
        return (found, "the hub's config.json") if isinstance(found, dict) else (None, f"config.json of {hub} is none")

    @property
    def _by_source(self) -> Mapping[str, Entry]:
        """The catalogue's entries by repository, and by the SHA-256 of each file that they name."""
        if self._entries is None:
            parts = load_catalogue(self._folder).values()
            self._entries = {name: entry for part in parts for entry in part.values() for name in _names(entry.source)}
        return self._entries


def _names(source: object) -> list[str]:
    """Every repository and digest in a source."""
    if not isinstance(source, Mapping):
        return []
    own = [str(source[key]) for key in ("hub", "sha256") if key in source]
    return own + [name for value in source.values() for name in _names(value)]


@cache
def _lines(path: Path) -> int | None:
    try:
        with path.open("rb") as content:
            return count_lines(content.read, _ENOUGH_LINES)
    except OSError:
        return None
