"""Orders that a seed tells, and nothing else: equal ones on every machine."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from polyglot.core.canonical import sha256_bytes

T = TypeVar("T")


def rank(seed: int, text: str) -> str:
    """What a thing of this name is sorted by."""
    return sha256_bytes(f"{seed}\0{text}".encode())


def spread(things: Iterable[T], category: Callable[[T], str], name: Callable[[T], str], seed: int) -> list[T]:
    """In a seeded order that takes from the categories in turn."""
    by_category: dict[str, list[T]] = {}
    for thing in sorted(things, key=lambda one: rank(seed, name(one))):
        by_category.setdefault(category(thing), []).append(thing)
    ranked = [
        (number, named, one) for named, members in sorted(by_category.items()) for number, one in enumerate(members)
    ]
    return [one for _, _, one in sorted(ranked, key=lambda row: row[:2])]
