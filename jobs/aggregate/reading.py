"""The rows of an artifact that has a file for each language."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from jobs.lib.context import Input
from polyglot.core.errors import Permanent

T = TypeVar("T")


def rows_by_language(source: Input, folder: str, kind: type[T], languages: Sequence[str]) -> dict[str, Iterator[T]]:
    """The rows of `<folder>/<LANG>.jsonl` for each language that the artifact has, each file to be read once."""
    names = set(source.names())
    found = {
        language: source.lines(name, kind) for language in languages if (name := f"{folder}/{language}.jsonl") in names
    }
    if not found:
        raise Permanent(f"artifact {source.key[:12]} has no {folder}/<LANG>.jsonl for any of {', '.join(languages)}")
    return found
