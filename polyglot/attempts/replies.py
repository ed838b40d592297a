"""What was asked anywhere in a store is answered: replies of chat models, by the content of what was asked.

A stage that asks takes the replies that other stages got to exactly the same requests, and leaves its own for them
(`reply_files`). Nothing locks: two stages that ask the same at once both pay, and both leave theirs. Of several replies
to one request the oldest is taken. Those of a stage whose result was withdrawn since are nobody's, and such a stage
takes none: it is to be made anew. What cannot be read is passed over with a warning; what cannot be written is said.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from polyglot.attempts.reply_files import (
    INDEX,
    REPLIES,
    ROWS,
    Index,
    KeptReply,
    files_of,
    place_of,
    read_index,
    read_rows,
    short,
)
from polyglot.attempts.retract import retractions
from polyglot.core.errors import Missing, PolyglotError
from polyglot.core.stage import Stage
from polyglot.store.futures import concurrently
from polyglot.store.store import Entry, Store

_MOST_ROWS = 10_000  # in one file
_READERS = 16

log = logging.getLogger("polyglot.replies")


class Reused(NamedTuple):
    """A reply, and the stage that got it, as "judge/ab12…"."""

    reply: KeptReply
    origin: str


class StoredReplies:
    """The replies of a store as one stage takes and leaves them (`jobs.lib.context.Replies`)."""

    def __init__(self, store: Store, stage: Stage, *, withdrawn: int = 0) -> None:
        """No request is made. `withdrawn`: how many results of the stage were withdrawn."""
        self._store, self._stage, self._withdrawn = store, stage, withdrawn
        self._indexes: dict[str, dict[bytes, list[Index]]] = {}  # by form, then by request, the oldest first

    def find(self, form: str, ids: Collection[str]) -> Mapping[str, Reused]:
        """Return the replies that there are to requests of one form, by the requests' digests."""
        if self._withdrawn or not ids:
            return {}
        known, found = self._known(form), dict[str, Reused]()
        waiting = {id_: list(known[short(id_)]) for id_ in ids if short(id_) in known}
        while waiting:
            by_index: dict[str, tuple[Index, set[str]]] = {}
            for id_, indexes in waiting.items():
                index = indexes.pop(0)
                by_index.setdefault(index.place.path, (index, set()))[1].add(id_)
            for replies in concurrently(lambda item: self._replies(*item), by_index.values(), _READERS):
                found.update(replies)
            waiting = {id_: indexes for id_, indexes in waiting.items() if indexes and id_ not in found}
        return found

    def offer(self, form: str, replies: Iterable[KeptReply]) -> None:
        """Leave replies to requests of one form for others, but those that an earlier start of this stage has left."""
        try:
            known = self._known(form)
            new = [reply for reply in replies if not any(map(self._ours, known.get(short(reply.id), ())))]
            for at in range(0, len(new), _MOST_ROWS):
                self._write(form, new[at : at + _MOST_ROWS])
        except PolyglotError as error:
            log.warning("the replies of this stage are not left for others: %s", error)

    def _ours(self, index: Index) -> bool:
        ours = (self._stage.kind, self._stage.key, self._withdrawn)
        return (index.place.kind, index.place.key, index.head.withdrawn) == ours

    def _write(self, form: str, replies: Sequence[KeptReply]) -> None:
        kind, key = self._stage.kind, self._stage.key
        place, rows, index = files_of(form, kind, key, replies, withdrawn=self._withdrawn)
        self._store.create(f"{place.path}{ROWS}", rows)
        self._store.create(f"{place.path}{INDEX}", index)

    def _known(self, form: str) -> dict[bytes, list[Index]]:
        """What the indexes of a form say, read once. One that cannot be read is passed over."""
        if form not in self._indexes:
            known: dict[bytes, list[Index]] = defaultdict(list)
            for index in self._read_indexes(form):
                for id_ in index.ids:
                    known[id_].append(index)
            self._indexes[form] = dict(known)
        return self._indexes[form]

    def _read_indexes(self, form: str) -> Iterator[Index]:
        try:
            entries = [entry for entry in self._store.list(f"{REPLIES}{form}/") if entry.path.endswith(INDEX)]
        except PolyglotError as error:
            log.warning("replies of other stages cannot be listed: %s", error)
            return
        entries.sort(key=lambda entry: (entry.modified, entry.path))
        for index in concurrently(self._index, entries, _READERS):
            if index is not None:
                yield index

    def _index(self, entry: Entry) -> Index | None:
        place = place_of(entry.path, INDEX)
        try:
            if place is not None:
                return read_index(place, self._store.read(entry.path))
            log.warning("%s: %s is no index of replies; it is passed over", self._store.url, entry.path)
        except PolyglotError as error:
            log.warning("%s: an index of replies is passed over: %s", self._store.url, error)
        return None

    def _replies(self, index: Index, ids: Collection[str]) -> dict[str, Reused]:
        """Those of one file; none when it cannot be read or its stage's result was withdrawn since."""
        place = index.place
        try:
            if len(retractions(self._store, place.kind, place.key)) != index.head.withdrawn:
                return {}
            rows = read_rows(index, self._store.read(f"{place.path}{ROWS}"))
        except PolyglotError as error:
            level = logging.INFO if isinstance(error, Missing) else logging.WARNING  # collected as garbage just now
            log.log(level, "%s: replies of another stage are passed over: %s", self._store.url, error)
            return {}
        return {row.id: Reused(row, f"{place.kind}/{place.key}") for row in rows if row.id in ids}
