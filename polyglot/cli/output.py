"""How verbs print: data on stdout, talk on stderr; tables aligned on a terminal, tab-separated for `cut` and `awk`."""

import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text


def say(text: str) -> None:
    """Talk to the person."""
    print(text, file=sys.stderr, flush=True)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, summary: str = "") -> None:
    """Print rows to stdout and the summary to stderr."""
    if not sys.stdout.isatty():
        for row in (header, *rows):
            print("\t".join(" ".join(cell.split()) for cell in row))
    else:
        from rich.console import Console  # a tenth of a second, and only a terminal needs it

        console = Console()
        for line in table_lines(header, rows, console.width):
            console.print(line)
    if summary:
        say(summary)


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator["Text"]:
    """The lines of a table for a terminal of so many columns; a cell may fill several.

    No cell is cut, and none is broken that could be copied whole. The columns that fit beside the first one stand in
    theirs, shorter ones before longer ones; the cells of the others are under their row, each behind its column's name.
    """
    from rich.cells import cell_len
    from rich.text import Text

    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(header, *cells, strict=True)]
    beside, room = {0}, width - widths[0]
    for column in sorted(range(1, len(header)), key=lambda column: widths[column]):
        if widths[column] + _GAP <= room:
            beside.add(column)
            room -= widths[column] + _GAP
    if len(header) - len(beside) == 1 and len(header) - 1 not in beside and room >= _LEAST:
        widths[-1] = room - _GAP  # a last column of sentences is wrapped in its place
        beside.add(len(header) - 1)
    for number, row in enumerate((list(header), *cells)):
        line, indent = Text(), 0
        for column in sorted(beside):
            style = "bold" if number == 0 else _STYLES.get(row[column], "")
            if column == len(header) - 1 and cell_len(row[column]) > widths[column]:
                first, *more = textwrap.wrap(row[column], widths[column], break_on_hyphens=False)
                line.append(("\n" + " " * indent).join([first, *more]), style)
            else:
                line.append(row[column], style)
                line.append(" " * (widths[column] - cell_len(row[column]) + _GAP))
            indent += widths[column] + _GAP
        line.rstrip()
        yield line
        for column in range(len(header)) if number else ():
            if column not in beside and row[column]:
                text = f"{header[column]} {row[column]}"
                wrapped = textwrap.wrap(text, max(_LEAST, width - 2), break_long_words=False, break_on_hyphens=False)
                yield Text("  " + "\n  ".join(wrapped), "dim")


_GAP, _LEAST = 2, 16  # blanks between columns; the least width that text is wrapped to
_STYLES = {
    "cached": "green",
    "committed": "green",
    "will run": "yellow",
    "running": "cyan",
    "blocked": "red",
    "failed": "red",
}
