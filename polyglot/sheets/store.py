"""Sheets in the store: `sheets/<study>/<sheet>/key.json`, and what a rater said below `…/ratings/` (of translations) or
`…/votes/` (of answers) under its content; votes that needed no key are below `sheets/<study>/votes/`.

All are written once. The same file imported again is the same content; another view by the same rater is refused.
"""

import json
import re
from collections.abc import Sequence
from typing import overload

import msgspec

from polyglot.core.canonical import canonical, sha256_bytes
from polyglot.core.errors import BadInput, Missing
from polyglot.kinds.agree import Rating
from polyglot.kinds.people import HumanVote
from polyglot.sheets.answers import OF, AnswerKey, AnswerSheet
from polyglot.sheets.ratings import Rated, unblind
from polyglot.sheets.sample import Sheet, SheetKey
from polyglot.sheets.votes import Marked
from polyglot.store.futures import concurrently
from polyglot.store.store import Store

_SHEET = re.compile(r"[0-9a-f]{12}")


def keep_key(store: Store, study: str, sheet: Sheet | AnswerSheet) -> None:
    """Keep what tells which translation an item is; keeping it again changes nothing."""
    store.create(f"{_folder(study, sheet.id)}key.json", canonical(sheet.key))


@overload
def read_key(store: Store, study: str, rated: Rated) -> SheetKey: ...


@overload
def read_key(store: Store, study: str, rated: Marked) -> AnswerKey: ...


def read_key(store: Store, study: str, rated: Rated | Marked) -> SheetKey | AnswerKey:
    """Return the key of a file's sheet. Raises BadInput when this study has no such sheet, or one of the other kind."""
    try:
        if not _SHEET.fullmatch(rated.sheet):
            raise Missing(rated.sheet)
        found: SheetKey | AnswerKey = json.loads(store.read(f"{_folder(study, rated.sheet)}key.json"))
    except Missing:
        raise BadInput(
            "no such sheet was exported from this study",
            where=str(rated.path),
            got=repr(rated.sheet[:40]),
            expected="a sheet of " + study,
            remedy="Import it where it was exported: the same --store, the same study",
        ) from None
    wanted = OF if isinstance(rated, Marked) else None
    if found.get("of") != wanted:
        is_of, said = (name or "translations" for name in (found.get("of"), wanted))
        raise BadInput(f"sheet {rated.sheet} is of {is_of}", where=str(rated.path), expected=f"a sheet of {said}")
    return found


def keep_ratings(store: Store, study: str, rated: Rated, key: SheetKey) -> bool:
    """Keep one rater's ratings; False when they were there. Raises BadInput for other ratings by the same rater."""
    data = canonical(msgspec.to_builtins(unblind(rated, key)))
    return _keep_once(store, f"{_folder(study, rated.sheet)}ratings/", rated, data)


def keep_votes(store: Store, study: str, marked: Marked, votes: Sequence[HumanVote]) -> bool:
    """Keep one rater's votes on a sheet; False when they were there. Raises BadInput for others by the same rater."""
    data = canonical(msgspec.to_builtins(votes))
    return _keep_once(store, f"{_folder(study, marked.sheet)}votes/", marked, data)


def keep_plain_votes(store: Store, study: str, votes: Sequence[HumanVote]) -> bool:
    """Keep a file of votes that name models themselves; False when it was there.

    Raises BadInput for a file that shares votes with another one: they would count twice.
    """
    data, folder = canonical(msgspec.to_builtins(votes)), f"sheets/{study}/votes/"
    path = f"{folder}{sha256_bytes(data)}.json"
    others = [entry.path for entry in store.list(folder)]
    if path in others:
        return False
    there = {vote for other in others for vote in msgspec.json.decode(store.read(other), type=list[HumanVote])}
    if again := [vote for vote in votes if vote in there]:
        raise BadInput(
            "votes that were imported from another file before",
            where=f"sheet import, {study}",
            got=f"{len(again)}, the first by {again[0].rater} on question {again[0].id}",
            expected="a file of new votes alone",
        )
    return store.create(path, data)


def _keep_once(store: Store, folder: str, given: Rated | Marked, data: bytes) -> bool:
    who = sha256_bytes(given.rater.encode())[:12]
    path = f"{folder}{who}.{sha256_bytes(data)}.json"
    others = [entry.path for entry in store.list(folder) if entry.path.startswith(f"{folder}{who}.")]
    if path in others:
        return False
    if others:
        raise BadInput(
            "this rater has rated this sheet otherwise before",
            where=str(given.path),
            got=f"rater {given.rater!r}",
            expected="the same ratings, or another rater",
            remedy="Give a second opinion another pseudonym",
        )
    return store.create(path, data)


def all_ratings(store: Store, study: str) -> list[Rating]:
    """Every rating of every sheet of a study, in the order of sheets and raters."""
    paths = sorted(entry.path for entry in store.list(f"sheets/{study}/") if "/ratings/" in entry.path)
    found: Sequence[bytes] = concurrently(store.read, paths)
    return [rating for data in found for rating in msgspec.json.decode(data, type=list[Rating])]


def all_votes(store: Store, study: str) -> list[HumanVote]:
    """Every vote on answers of a study, in the order of sheets and raters."""
    paths = sorted(entry.path for entry in store.list(f"sheets/{study}/") if "/votes/" in entry.path)
    found: Sequence[bytes] = concurrently(store.read, paths)
    return [vote for data in found for vote in msgspec.json.decode(data, type=list[HumanVote])]


def _folder(study: str, sheet: str) -> str:
    return f"sheets/{study}/{sheet}/"
