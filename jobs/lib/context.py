"""What a job gets to work with, and the only way in which it touches the world around it.

A job is a module `jobs.<kind>` with `run(context: Context) -> None`. It reads `context.inputs`, writes its result files
below `context.out` (their paths there are their paths in the artifact) and returns; the worker publishes. It raises
`Permanent` for what another attempt cannot mend, calls `context.raise_if_stopping()` between units of work after
saving a checkpoint, and lets every other exception go: that is a transient failure.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

from polyglot.attempts.checkpoints import CheckpointFile
from polyglot.attempts.replies import Reused
from polyglot.attempts.reply_files import KeptReply
from polyglot.attempts.traces import Trace
from polyglot.core import records
from polyglot.core.canonical import Json
from polyglot.core.errors import Interrupted
from polyglot.core.stage import Resources, Stage

T = TypeVar("T")


class Input(Protocol):
    """A committed artifact that a stage reads; every byte is verified against the manifest before it is seen."""

    key: str
    metrics: Mapping[str, Json]
    made_from: Mapping[str, str]  # the keys of what it was made from, by role
    results_read: Mapping[str, str]  # the result digests of the same, as they were read
    execution: Mapping[str, Json]  # on what it was made: device, threads, packages

    def names(self) -> list[str]:
        """Paths of the artifact's files, sorted."""
        ...

    def path(self, name: str) -> Path:
        """Local, verified path of one file. Raises Missing when the artifact has none of this name."""
        ...

    def directory(self, name: str) -> Path:
        """Local, verified directory holding every file below `name/`."""
        ...

    def read(self, name: str, kind: type[T]) -> T:
        """A file that is one document. Raises Missing, and Corrupt when it is not of this class."""
        return records.read(self.path(name), kind)

    def lines(self, name: str, kind: type[T]) -> Iterator[T]:
        """The rows of a file of JSON Lines. Raises as `read` does."""
        return records.read_lines(self.path(name), kind)


def rows_of(source: Input, name: str, kind: type[T]) -> Iterator[T]:
    """The rows of a file; none where the artifact has no such file."""
    return source.lines(name, kind) if name in source.names() else iter(())


def of_role(inputs: Mapping[str, Input], role: str) -> dict[str, Input]:
    """The inputs of the roles `<role>:<name>`, sorted by name."""
    found = (name.partition(":") for name in sorted(inputs))
    return {name: inputs[f"{head}:{name}"] for head, colon, name in found if colon and head == role}


class Checkpoints(Protocol):
    """Resume state of this stage, shared by all of its attempts; never an input of anything."""

    def save(self, directory: Path, step: int) -> None:
        """Upload a directory's files, then its manifest: a checkpoint exists whole or not at all.

        Large ones are let go of when two newer ones are there, so their files must not be files of an artifact.
        """
        ...

    def newest(self, target: Path) -> int | None:
        """Fetch the newest checkpoint that verifies into `target`, and return its step; None when there is none."""
        ...

    # The same in parts, for ranks that each keep files of one checkpoint

    def put(self, directory: Path) -> list[CheckpointFile]:
        """Store a directory's files for a checkpoint that somebody records; returns what `record` is told of them."""
        ...

    def record(self, step: int, files: Sequence[CheckpointFile]) -> None:
        """Make a checkpoint of files that are stored."""
        ...

    def saved(self) -> Iterator[str]:
        """Yield the names of what there may be to resume from, the newest first; nothing is verified."""
        ...

    def fetch(self, saved: str, target: Path, wanted: Callable[[str], bool]) -> int | None:
        """Fetch the wanted files of one and return its step; None when it is gone, damaged or of other inputs."""
        ...


class Journal(Protocol):
    """Records that survive a kill one by one, shared by all attempts of the stage: the calls of a judge.

    `append` returns once the record is durable or queued behind a write in progress; `flush` waits for all. Records
    are `{"id": content key, …}`; `read` gives every record of every attempt in the order of writing, repeats included.
    """

    def append(self, record: Mapping[str, Json]) -> None:
        """Queue one record; a writer in the background puts queued records together (group commit)."""
        ...

    def flush(self) -> None:
        """Return when every appended record is durable."""
        ...

    def read(self) -> list[dict[str, Json]]:
        """Return the records of all attempts so far."""
        ...


class Replies(Protocol):
    """Replies of chat models that stages of the same store take from one another: of equal requests one is paid.

    Neither method raises for what the store can do: what cannot be read is asked, what cannot be left is not.
    """

    def find(self, form: str, ids: Collection[str]) -> Mapping[str, Reused]:
        """The replies that there are to requests of one form, by the requests' digests."""
        ...

    def offer(self, form: str, replies: Iterable[KeptReply]) -> None:
        """Leave this stage's own ones."""
        ...


class Shards(Protocol):
    """The parts of a result that several workers make without needing each other; this one is `index` of `count`.

    `fit` is what must be equal for parts to make one result, such as the device; the inputs are looked after.
    """

    index: int
    count: int

    def put(self, file: Path, **fit: Json) -> None:
        """Store a file as this shard's part; a part that is there already stays."""
        ...

    def missing(self, **fit: Json) -> list[int]:
        """Return the shards whose parts are not there."""
        ...

    def fetch(self, target: Path, **fit: Json) -> list[Path]:
        """Fetch every part, verified, into a directory; in order."""
        ...


@dataclass(kw_only=True)
class Context:
    """The world of one attempt. `settings` are execution settings, `metrics` and `volatile` end in the manifest.

    A job with `shards` makes its part; when others are missing it sets `complete` to False and nothing is published.
    """

    stage: Stage
    resources: Resources
    settings: Mapping[str, Json]
    inputs: Mapping[str, Input]
    out: Path
    work: Path
    checkpoints: Checkpoints
    journal: Journal
    log: logging.Logger
    metrics: dict[str, Json] = field(default_factory=dict)
    volatile: dict[str, Json] = field(default_factory=dict)
    shards: Shards | None = None
    replies: Replies | None = None  # None: nothing is taken from other stages
    complete: bool = True
    label: str = ""  # of the stage, for people

    def blob(self, sha256: str) -> Path:
        """Local, verified path of a blob of the store that the parameters name. Raises Missing."""
        raise NotImplementedError

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        """Say how far the job is; cheap, may be called for every unit. `figures` such as loss=2.31 are shown."""
        raise NotImplementedError

    def leave(self, trace: Trace, name: str, data: bytes) -> None:
        """Put bytes beside this start's log, under a name that is new; no part of the result. Raises StoreError."""
        raise NotImplementedError

    def remark(self, text: str) -> None:
        """Say beside the progress what the job waits for; "" when it goes on."""
        self.log.warning("%s", text or "it goes on")

    def give_up(self, error: Exception) -> NoReturn:
        """End this process from any of its threads, as if the job had raised: the main thread may hear nothing."""
        raise NotImplementedError

    def stopping(self) -> bool:
        """True once the attempt was asked to stop (SIGTERM, deadline): save and leave soon."""
        raise NotImplementedError

    def raise_if_stopping(self) -> None:
        """Raise Interrupted (worker exit 43) when the attempt was asked to stop. Call right after a checkpoint."""
        if self.stopping():
            raise Interrupted("asked to stop; progress is saved")
