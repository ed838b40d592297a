"""A file that a study names: by path or by address, always pinned by its content."""

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from polyglot.core.canonical import sha256_file
from polyglot.core.section import MAX_COUNT, Broken, Problem, Section, Sha256, one_or_many

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# Names of query parameters that carry a secret in pre-signed and token-bearing addresses.
_SECRETS = ("signature", "sig", "token", "credential", "secret", "password", "key", "auth")


def _as_text(value: object) -> object:
    """An id that YAML reads as a number, as the text that it is in every file."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


QuestionId = Annotated[
    str, BeforeValidator(_as_text), Field(min_length=1, max_length=200), WithJsonSchema({"type": ["string", "integer"]})
]


class SourceFile(Section):
    """A file by path (relative to the study file) or by https:// or s3:// address, pinned by its SHA-256."""

    path: str = Field(min_length=1, max_length=2000)
    """Path relative to the study file, or an https:// or s3:// address."""
    sha256: Sha256
    """Its content, as `sha256sum` prints it."""
    bytes: int | None = Field(None, ge=0, le=MAX_COUNT)
    """Its size; needed for an address, so that a download is bounded."""

    @property
    def is_address(self) -> bool:
        """Whether it lies on another machine."""
        return "://" in self.path

    @property
    def name(self) -> str:
        """The base name, which tells the format and compression."""
        path = urlsplit(self.path).path if self.is_address else self.path
        return path.rstrip("/").rsplit("/", 1)[-1]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.is_address:
            raise_if(address_problem(self.path))
            if self.bytes is None:
                remedy = f"Add `bytes:` (`wc -c` of {self.name} prints it), so that a download is bounded"
                raise Broken(Problem(what="an address without a size", remedy=remedy))
        elif "\0" in self.path:
            raise Broken(Problem(what="a path with a NUL character", place=("path",)))
        return self


def local_digest(folder: Path, path: object) -> str:
    """The SHA-256 of a file that a study in `folder` names by its path, "" where there is none."""
    try:
        return sha256_file(folder / path) if isinstance(path, str) and "://" not in path else ""
    except (OSError, ValueError):
        return ""


def raise_if(problem: Problem | None) -> None:
    """Raise a rule's finding, if there is one."""
    if problem is not None:
        raise Broken(problem)


def address_problem(address: str) -> Problem | None:
    """What is wrong with the address of a file, or of a folder of a bucket."""
    place = ("path",)
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return Problem(what="not an address", place=place, got=repr(address[:80]))
    if "@" in parts.netloc:
        remedy = "Give them in the environment or in a file"
        return Problem(what="credentials in an address", place=place, remedy=remedy)
    if parts.scheme not in ("https", "s3") and not (parts.scheme == "http" and host in _LOOPBACK):
        got = f"{parts.scheme}://{parts.netloc}"
        return Problem(what="no such kind of address", place=place, got=got, expected="a path, https:// or s3://")
    if not host or not parts.path.strip("/") or any(c.isspace() or not c.isprintable() for c in address):
        return Problem(what="not an address of a file", place=place, got=repr(f"{parts.scheme}://{parts.netloc}"))
    named = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    secret = next((name for name in named if any(word in name.lower() for word in _SECRETS)), None)
    if secret is not None:
        remedy = "It would be kept with the results. Use an address that needs none, or a local copy"
        return Problem(what="a signed address", place=place, got=f"query parameter {secret[:40]!r}", remedy=remedy)
    return None


class _OneOrMany:
    """The JSON Schema of a list that may stand without its brackets when it has one item."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        return {"anyOf": [schema["items"], schema]}


ONE_OR_MANY = (BeforeValidator(one_or_many), _OneOrMany())
SourceFiles = Annotated[tuple[SourceFile, ...], Field(min_length=1), *ONE_OR_MANY]
