"""How verbs print: data on stdout, talk on stderr; tables aligned on a terminal, tab-separated for `cut` and `awk`."""

import sys
from collections.abc import Sequence


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
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in header:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
        Console().print(table)
    if summary:
        say(summary)


_STYLES = {
    "cached": "green",
    "committed": "green",
    "will run": "yellow",
    "running": "cyan",
    "blocked": "red",
    "failed": "red",
}
