"""Files of replies that nobody will take any more: garbage collection deletes them.

Those are an index without its rows and rows without an index, what does not verify, and both files of a stage that has
left nothing else in the store or whose result was withdrawn after they were written.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from polyglot.attempts.reply_files import INDEX, REPLIES, ROWS, Place, place_of, read_index
from polyglot.attempts.retract import retractions
from polyglot.core.errors import Corrupt, Missing
from polyglot.store.futures import concurrently
from polyglot.store.store import Entry, Store

_THREADS = 16


def dead_replies(store: Store, before: datetime) -> list[Entry]:
    """Return those that are older than an instant, each index before its rows. Other files below the folder stay."""
    pairs: dict[Place, dict[str, Entry]] = defaultdict(dict)
    for entry in store.list(REPLIES):
        for end in (INDEX, ROWS):
            if place := place_of(entry.path, end):
                pairs[place][end] = entry
    by_stage: dict[tuple[str, str], dict[Place, dict[str, Entry]]] = defaultdict(dict)
    for place, files in pairs.items():
        if all(entry.modified < before for entry in files.values()):
            by_stage[place.kind, place.key][place] = files
    found = concurrently(lambda item: _of_stage(store, *item), by_stage.items(), _THREADS)
    return [entry for entries in found for entry in entries]


def _of_stage(store: Store, stage: tuple[str, str], pairs: Mapping[Place, Mapping[str, Entry]]) -> Sequence[Entry]:
    kind, key = stage
    there = next(iter(store.list(f"stages/{kind}/{key}/")), None) is not None
    withdrawn = len(retractions(store, kind, key)) if there else 0
    dead: list[Entry] = []
    for place, files in pairs.items():
        if not (there and _is_of_use(store, place, files, withdrawn)):
            dead += [files[end] for end in (INDEX, ROWS) if end in files]
    return dead


def _is_of_use(store: Store, place: Place, files: Mapping[str, Entry], withdrawn: int) -> bool:
    if len(files) < 2:
        return False
    try:
        return read_index(place, store.read(files[INDEX].path)).head.withdrawn == withdrawn
    except (Corrupt, Missing):
        return False
