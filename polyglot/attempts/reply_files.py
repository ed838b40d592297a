"""The files by which replies of chat models are found by other stages than the one that got them.

    replies/<form>/<kind>/<key>/<name>.jsonl    replies, one a line
                                <name>.index    what they answer: a line about both files, then 16 bytes a request

The form is the digest of all that requests share beside their messages; kind and key are those of the stage that asked.
Both are written once, the index last, and named by what they hold, so that writers of the same replies write the same
files. An index is small: a stage reads those of all others, and then only the few replies that it needs. Whatever does
not verify is no file of ours. Losing any of them makes no result wrong: the calls are paid again.
"""

import re
from collections.abc import Sequence

import msgspec

from polyglot.core import records
from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import Corrupt
from polyglot.core.records import UNSET, Record, UnsetType

REPLIES = "replies/"
INDEX, ROWS = ".index", ".jsonl"
_FORMAT = 1
_ID_BYTES = 16  # of the 32 of a request's digest
_PATH = re.compile(
    r"replies/(?P<form>[0-9a-f]{64})/(?P<kind>[a-z]+)/(?P<key>[0-9a-f]{64})/(?P<name>[0-9a-f]{32})(?P<end>\.index|\.jsonl)"
)


class KeptReply(Record):
    """A line of a file of replies. `id` is the digest of the request; tokens are None where nobody counted them."""

    id: str
    text: str
    finish_reason: str
    refused: bool
    prompt_tokens: int | None
    completion_tokens: int | None
    served_by: str
    fingerprint: str | UnsetType = UNSET


class IndexHead(Record):
    """The first line of an index. `withdrawn` is how many results of the stage had been withdrawn by then."""

    format: int
    kind: str
    key: str
    withdrawn: int
    replies: int
    ids_sha256: str
    rows_sha256: str


class Place(Record):
    """Where a pair of files lies."""

    form: str
    kind: str
    key: str
    name: str

    @property
    def path(self) -> str:
        """Of both, without their ends."""
        return f"{REPLIES}{self.form}/{self.kind}/{self.key}/{self.name}"

    @property
    def stage(self) -> str:
        """The path of the stage that asked."""
        return f"stages/{self.kind}/{self.key}"


class Index(Record):
    """What an index says: `ids` are the beginnings of the requests' digests, as `short` makes them."""

    place: Place
    head: IndexHead
    ids: tuple[bytes, ...]


def short(id_: str) -> bytes:
    """How an index names a request."""
    return bytes.fromhex(id_)[:_ID_BYTES]


def place_of(path: str, end: str) -> Place | None:
    """Where a file of this end lies; None for any other."""
    match = _PATH.fullmatch(path)
    if match is None or match["end"] != end:
        return None
    return Place(form=match["form"], kind=match["kind"], key=match["key"], name=match["name"])


def files_of(
    form: str, kind: str, key: str, replies: Sequence[KeptReply], *, withdrawn: int
) -> tuple[Place, bytes, bytes]:
    """Where a stage's replies go, the file of rows and its index."""
    rows = b"".join(records.line(reply) for reply in replies)
    ids = b"".join(short(reply.id) for reply in replies)
    head = IndexHead(
        format=_FORMAT,
        kind=kind,
        key=key,
        withdrawn=withdrawn,
        replies=len(replies),
        ids_sha256=sha256_bytes(ids),
        rows_sha256=sha256_bytes(rows),
    )
    index = records.line(head) + ids
    return Place(form=form, kind=kind, key=key, name=sha256_bytes(index)[:32]), rows, index


def read_index(place: Place, data: bytes) -> Index:
    """Read an index. Raises Corrupt for what is none, or one of another place."""
    line, _, body = data.partition(b"\n")
    try:
        head = msgspec.json.decode(line, type=IndexHead)
    except msgspec.DecodeError as error:
        raise Corrupt(f"{place.path}{INDEX}: {error}; expected the first line of an index") from error
    if head.format != _FORMAT:
        raise Corrupt(f"{place.path}{INDEX}: format {head.format}; this polyglot reads {_FORMAT}")
    if (head.kind, head.key) != (place.kind, place.key):
        raise Corrupt(f"{place.path}{INDEX}: it is of another stage, {head.kind} {head.key[:12]}")
    if len(body) != head.replies * _ID_BYTES or sha256_bytes(body) != head.ids_sha256:
        raise Corrupt(f"{place.path}{INDEX}: the checksum does not fit; its bytes were damaged")
    ids = tuple(body[at : at + _ID_BYTES] for at in range(0, len(body), _ID_BYTES))
    return Index(place=place, head=head, ids=ids)


def read_rows(index: Index, data: bytes) -> list[KeptReply]:
    """Read the replies that an index tells of. Raises Corrupt."""
    where = f"{index.place.path}{ROWS}"
    if sha256_bytes(data) != index.head.rows_sha256:
        raise Corrupt(f"{where}: the checksum does not fit; its bytes were damaged")
    try:
        return [msgspec.json.decode(line, type=KeptReply) for line in data.splitlines()]
    except msgspec.DecodeError as error:
        raise Corrupt(f"{where}: {error}; expected replies") from error
