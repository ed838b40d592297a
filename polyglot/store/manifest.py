"""The manifest: the one object whose existence says that a stage is done.

Stored as canonical JSON with a checksum over all of it, parsed strictly: an unknown format, a digest that does not fit,
a path that could leave its directory or a flipped bit is an error, never a guess.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NotRequired, TypedDict

import msgspec

from polyglot.core.canonical import Json, canonical, sha256_bytes
from polyglot.core.errors import Corrupt, StoreError
from polyglot.core.stage import Stage
from polyglot.store.paths import check_members, check_sha256
from polyglot.store.store import CHUNK_BYTES

FORMAT = 1
# A number of 16 digits and more, once every digit reads 0 and what can stand before a number reads ":"
_SHAPE, _LONG = bytes.maketrans(b"[,-123456789", b":::000000000"), b":" + b"0" * 16
_SEAL_BYTES = len(b',"checksum":"' + b"0" * 64 + b'"}')


class FileDocument(TypedDict):
    """A FileRecord as JSON."""

    path: str
    sha256: str
    bytes: int
    chunks: NotRequired[list[str]]


class FileRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of an artifact. `chunks` holds a SHA-256 per 64 MiB of larger files, so ranged reads verify apart."""

    path: str
    sha256: str
    bytes: int
    chunks: tuple[str, ...] = ()

    def document(self) -> FileDocument:
        """Return the record as JSON; `chunks` is left out when there are none."""
        document = FileDocument(path=self.path, sha256=self.sha256, bytes=self.bytes)
        if self.chunks:
            document["chunks"] = list(self.chunks)
        return document


class _Written(msgspec.Struct):
    """A manifest as it is stored, but its checksum; the stage in its own bytes, which are canonical: what was sealed
    is not written again to be hashed.
    """

    format: Literal[1]
    stage: msgspec.Raw
    inputs: dict[str, str]
    files: tuple[FileRecord, ...]
    execution: dict[str, Any]
    provenance: dict[str, Any]
    metrics: dict[str, Any]
    volatile: dict[str, Any]
    result: str


_WRITTEN = msgspec.json.Decoder(_Written)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What was committed. `inputs` maps each role to the result digest that was read.

    `execution` says on what it ran (image, device, threads, packages), `provenance` from which code; `volatile` holds
    timings, tokens and cost. None of these three is part of the result digest.
    """

    stage: Stage
    inputs: Mapping[str, str]
    files: tuple[FileRecord, ...]
    execution: Mapping[str, Json] = field(default_factory=dict)
    provenance: Mapping[str, Json] = field(default_factory=dict)
    metrics: Mapping[str, Json] = field(default_factory=dict)
    volatile: Mapping[str, Json] = field(default_factory=dict)

    @cached_property
    def result(self) -> str:
        """SHA-256 of the canonical form of {"stage": its document, "files": sorted pairs of path and SHA-256}."""
        files = canonical(sorted([record.path, record.sha256] for record in self.files))
        return sha256_bytes(b'{"files":' + files + b',"stage":' + self.stage.canonical + b"}")

    @property
    def path(self) -> str:
        """Where this manifest lies in a store."""
        return manifest_path(self.stage.kind, self.stage.key)

    @property
    def total_bytes(self) -> int:
        """Size of all files together."""
        return sum(record.bytes for record in self.files)

    @property
    def attempt(self) -> int:
        """The number of the attempt that committed it; 0 where nothing says which."""
        number = self.volatile.get("attempt")
        return number if isinstance(number, int) else 0

    @property
    def seconds(self) -> float | None:
        """How long its worker was busy with it; None where nothing says how long."""
        parts = self.volatile.get("seconds")
        if not parts or not isinstance(parts, Mapping):
            return None
        return sum(part for part in parts.values() if isinstance(part, int | float))

    def file(self, path: str) -> FileRecord | None:
        """Return the record of one file, or None."""
        return next((record for record in self.files if record.path == path), None)

    def to_json(self) -> bytes:
        """Return the stored form. Raises ValueError for metrics that JSON cannot carry (NaN, huge integers)."""
        check_files(self.files)
        return seal(
            {
                "format": FORMAT,
                "stage": self.stage.document(),
                "inputs": dict(self.inputs),
                "files": [record.document() for record in sorted(self.files, key=lambda record: record.path)],
                "execution": dict(self.execution),
                "provenance": dict(self.provenance),
                "metrics": dict(self.metrics),
                "volatile": dict(self.volatile),
                "result": self.result,
            }
        )

    @classmethod
    def from_json(cls, data: bytes, *, where: str = "manifest", wanted: Stage | None = None) -> "Manifest":
        """Parse and verify. Raises Corrupt naming `where`, StoreError for a format of a later polyglot.

        `wanted`: the stage whose manifest it is thought to be, taken for the manifest's own where that is the same.
        """
        body = _unsealed(data, where=where)
        try:
            written = _written(body)
            stage = bytes(written.stage)
            if wanted is None or stage != wanted.canonical:
                wanted = Stage.from_document(_parsed(stage), canonical=stage)
            manifest = cls(
                stage=wanted,
                inputs=written.inputs,
                files=check_files(written.files),
                execution=written.execution,
                provenance=written.provenance,
                metrics=written.metrics,
                volatile=written.volatile,
            )
            for result in manifest.inputs.values():
                check_sha256(result)
            result = manifest.result
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            said = unseal(data, where=where).get("format")
            if said != FORMAT:
                raise StoreError(f"{where}: format {said!r}; this polyglot reads {FORMAT}") from error
            raise Corrupt(f"{where}: not a manifest: {error}") from error
        if result != written.result:
            raise Corrupt(f"{where}: the result digest does not fit the files")
        return manifest


def manifest_path(kind: str, key: str) -> str:
    """Return `stages/<kind>/<key>/manifest.json`."""
    return f"stages/{kind}/{key}/manifest.json"


def read_files(documents: object) -> tuple[FileRecord, ...]:
    """Parse file records strictly. Raises ValueError for what is none, or is unsafe."""
    return check_files(msgspec.convert(documents, tuple[FileRecord, ...]))


def check_files(files: tuple[FileRecord, ...]) -> tuple[FileRecord, ...]:
    """Return the records unchanged. Raises ValueError for paths that are unsafe or collide, sizes and digests."""
    check_members(record.path for record in files)
    for record in files:
        size, chunks = record.bytes, record.chunks
        if size < 0:
            raise ValueError(f"not a size: {size!r}")
        if len(chunks) != (-(-size // CHUNK_BYTES) if size > CHUNK_BYTES else 0):
            raise ValueError(f"{len(chunks)} chunk digests for {size} bytes")
        for digest in (record.sha256, *chunks):
            check_sha256(digest)
    return files


def seal(document: Mapping[str, object]) -> bytes:
    """Return canonical JSON with a `checksum` of all the rest as its last member.

    The checksum is over the bytes as they are stored, so that reading needs no second canonical form. Raises ValueError
    for what JSON cannot carry, and for an empty document.
    """
    if not document or "checksum" in document:
        raise ValueError("a sealed document has members, and none called checksum")
    body = canonical(document)
    return body[:-1] + b',"checksum":"' + sha256_bytes(body).encode() + b'"}'


def unseal(data: bytes, *, where: str) -> dict[str, Any]:
    """Return the document of `seal` without its checksum. Raises Corrupt naming `where`."""
    body = _unsealed(data, where=where)
    try:
        return dict(_parsed(body))
    except (ValueError, TypeError, RecursionError) as error:
        raise Corrupt(f"{where}: cannot be read ({type(error).__name__}); its bytes were damaged") from error


def _unsealed(data: bytes, *, where: str) -> bytes:
    """The bytes that were sealed."""
    body, checksum = data[:-_SEAL_BYTES] + b"}", data[-_SEAL_BYTES:]
    if checksum != b',"checksum":"' + sha256_bytes(body).encode() + b'"}':
        raise Corrupt(f"{where}: the checksum does not fit; its bytes were damaged")
    return body


def _written(body: bytes) -> _Written:
    written = _WRITTEN.decode(body)
    if _has_long(body):
        return msgspec.convert({**_parsed(body), "stage": written.stage}, _Written)
    return written


def _parsed(body: bytes) -> Any:
    return json.loads(body, parse_int=_number) if _has_long(body) else msgspec.json.decode(body)


def _has_long(body: bytes) -> bool:
    """Whether there may be an integer of 16 digits and more; in a text, it is none."""
    return _LONG in body.translate(_SHAPE)


def _number(text: str) -> int | float:
    """Canonical JSON writes the float 1e18 as an integer; whatever an integer cannot have been is that float again."""
    value = int(text)
    return value if abs(value) < 2**53 else float(value)
