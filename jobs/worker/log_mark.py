"""How much of a worker's log is in the store, written beside the log so that the container can archive the rest.

A worker that is killed between two uploads leaves up to five seconds of its log unarchived: the lines that tell why.
The mark says where the archive ends and under which start; a worker that never claimed one has no mark, and its output
is archived as that of start 0, in the first free places.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.lib.ranks import Ranks

if TYPE_CHECKING:
    from polyglot.core.stage import WorkDocument

_PIECE_BYTES = 1 << 24
_UNCLAIMED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMark:
    """`offset` bytes are archived; the next chunk is `sequence` of `start`."""

    start: int = _UNCLAIMED
    sequence: int = 0
    offset: int = 0

    @classmethod
    def read(cls, path: Path) -> "LogMark":
        """Return the mark of a file; the beginning when there is none."""
        try:
            return cls(**json.loads(path.read_text(encoding="ascii")))
        except FileNotFoundError:
            return cls()

    def write(self, path: Path) -> None:
        """Replace the file in one step: its writer may be killed at any moment."""
        part = path.with_name(f"{path.name}.part")
        part.write_text(json.dumps(asdict(self)), encoding="ascii")
        part.replace(path)


def archive_rest(request: "WorkDocument", log: Path, mark_file: Path) -> None:
    """Put what the worker did not archive into the store. Raises PolyglotError, OSError."""
    # here, because a container whose worker has archived everything needs no store
    from polyglot.attempts.attempts import Attempts
    from polyglot.core.stage import Stage
    from polyglot.store.locate import open_store

    mark = LogMark.read(mark_file)
    attempts = Attempts(open_store(request["store"]), Stage.from_document(request["stage"]), rank=Ranks.read().pod)
    sequence = mark.sequence
    with log.open("rb") as file:
        file.seek(mark.offset)
        while data := file.read(_PIECE_BYTES):
            sequence = attempts.append_log_rest(request["attempt"], mark.start, sequence, data)
