"""Tie groups: what is not told apart shares a letter (a compact letter display; Piepho 2004)."""

from collections.abc import Collection
from string import ascii_lowercase


def tie_groups(size: int, apart: Collection[tuple[int, int]]) -> list[frozenset[int]]:
    """The largest groups of which no two are `apart`, of things 0 to size - 1; that of the first thing first.

    Every two that are not apart are in one of them together.
    """
    groups = [frozenset(range(size))] if size else []
    for one, other in sorted(apart):
        both = {one, other}
        parted = [
            part for group in groups for part in ((group - {one}, group - {other}) if both <= group else (group,))
        ]
        groups = [group for group in dict.fromkeys(parted) if group and not any(group < larger for larger in parted)]
    return sorted(groups, key=sorted)


def letters(size: int, apart: Collection[tuple[int, int]]) -> list[str]:
    """The letters of each thing, one for each group that it is in: "a", "ab", …; "aa" follows "z"."""
    found = tie_groups(size, apart)
    names = [_name(number) for number in range(len(found))]
    separator = " " if len(found) > len(ascii_lowercase) else ""
    return [
        separator.join(name for name, group in zip(names, found, strict=True) if thing in group)
        for thing in range(size)
    ]


def _name(number: int) -> str:
    rest, letter = divmod(number, len(ascii_lowercase))
    return (_name(rest - 1) if rest else "") + ascii_lowercase[letter]
