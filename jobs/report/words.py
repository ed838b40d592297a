"""Numbers and lists as a sentence has them."""

from collections.abc import Sequence

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def counted(number: int, one: str, many: str) -> str:
    """Small numbers as words: "three languages"."""
    return f"{_WORDS[number] if number < len(_WORDS) else number} {one if number == 1 else many}"


def seeds(number: int) -> str:
    """How many training seeds."""
    return counted(number, "training seed", "training seeds")


def listed(parts: Sequence[str]) -> str:
    """One after another, the last behind "and"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
