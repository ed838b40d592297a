"""Writes files of the field: bytes depend on rows alone, and a file is there whole or not at all."""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from polyglot.core.errors import BadInput
from polyglot.core.records import Record, line

_STAGE = b'"stage":"'  # in each of our rows: the key of the stage that made it


def question_id(identity: str) -> int | str:
    """A question's id as FastChat has it: a number where it is one."""
    return int(identity) if identity.isascii() and identity.isdigit() and str(int(identity)) == identity else identity


def file_name(model: str) -> str:
    """A model's name as one that a file may have; FastChat takes a model's name from its file's."""
    return model.replace("/", "_")


def write_rows(path: Path, rows: Iterable[Record]) -> Path:
    """Write JSON Lines, or a JSON array for a name that ends in .json, in the place of an earlier one of ours.

    Raises BadInput where there is something else, or nothing can be written.
    """
    if path.suffix == ".json":
        values = [msgspec.to_builtins(row) for row in rows]
        data = json.dumps(values, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
    else:
        data = b"".join(line(row) for row in rows)
    if os.path.lexists(path):
        if path.is_file() and path.read_bytes() == data:
            return path
        if not _ours(path):
            remedy = "Name another folder with --to, or remove it"
            raise BadInput("there is something else already", where=str(path), got="a file of others", remedy=remedy)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as scratch:
            part = Path(scratch) / path.name
            part.write_bytes(data)
            part.replace(path)
    except OSError as error:
        raise BadInput("nothing can be written there", where=str(path.parent), got=error.strerror or "") from error
    return path


def _ours(path: Path) -> bool:
    """Whether every row of a file names the stage that made it."""
    if not path.is_file():
        return False
    data = path.read_bytes()
    if path.suffix == ".json":
        try:
            values = json.loads(data)
        except ValueError:
            return False
        return isinstance(values, list) and all(isinstance(row, dict) and "stage" in row for row in values)
    return all(_STAGE in row for row in data.splitlines())
