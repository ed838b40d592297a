"""Sheets in the store: `sheets/<study>/<sheet>/key.json`, and a rater's ratings below `…/ratings/` under their content.

Both are written once. The same file imported again is the same content; other ratings by the same rater are refused.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from polyglot.core.canonical import canonical, sha256_bytes
from polyglot.core.errors import BadInput, Missing
from polyglot.kinds.agree import Rating
from polyglot.sheets.ratings import Rated, unblind
from polyglot.sheets.sample import Sheet
from polyglot.store.futures import concurrently
from polyglot.store.store import Store

_SHEET = re.compile(r"[0-9a-f]{12}")


def keep_key(store: Store, study: str, sheet: Sheet) -> None:
    """Keep what tells which translation an item is; keeping it again changes nothing."""
    store.create(f"{_folder(study, sheet.id)}key.json", canonical(sheet.key))


def read_key(store: Store, study: str, rated: Rated) -> Mapping[str, Any]:
    """Return the key of a file's sheet. Raises BadInput when this study has no such sheet."""
    try:
        if not _SHEET.fullmatch(rated.sheet):
            raise Missing(rated.sheet)
        found: Mapping[str, Any] = json.loads(store.read(f"{_folder(study, rated.sheet)}key.json"))
    except Missing:
        raise BadInput(
            "no such sheet was exported from this study",
            where=str(rated.path),
            got=repr(rated.sheet[:40]),
            expected="a sheet of " + study,
            remedy="Import it where it was exported: the same --store, the same study",
        ) from None
    return found


def keep_ratings(store: Store, study: str, rated: Rated, key: Mapping[str, Any]) -> bool:
    """Keep one rater's ratings; False when they were there. Raises BadInput for other ratings by the same rater."""
    data = canonical(msgspec.to_builtins(unblind(rated, key)))
    folder = f"{_folder(study, rated.sheet)}ratings/"
    who = sha256_bytes(rated.rater.encode())[:12]
    path = f"{folder}{who}.{sha256_bytes(data)}.json"
    others = [entry.path for entry in store.list(folder) if entry.path.startswith(f"{folder}{who}.")]
    if path in others:
        return False
    if others:
        raise BadInput(
            "this rater has rated this sheet otherwise before",
            where=str(rated.path),
            got=f"rater {rated.rater!r}",
            expected="the same ratings, or another rater",
            remedy="Give a second opinion another pseudonym",
        )
    return store.create(path, data)


def all_ratings(store: Store, study: str) -> list[Rating]:
    """Every rating of every sheet of a study, in the order of sheets and raters."""
    paths = sorted(entry.path for entry in store.list(f"sheets/{study}/") if "/ratings/" in entry.path)
    found: Sequence[bytes] = concurrently(store.read, paths)
    return [rating for data in found for rating in msgspec.json.decode(data, type=list[Rating])]


def _folder(study: str, sheet: str) -> str:
    return f"sheets/{study}/{sheet}/"
