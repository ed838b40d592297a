"""Tables for people and for pipes: aligned on a terminal, tab-separated elsewhere, so that `cut` and `awk` work."""

import sys
from collections.abc import Sequence


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, summary: str = "") -> None:
    """Print rows to stdout and the summary to stderr."""
    if not sys.stdout.isatty():
        for row in (header, *rows):
            print("\t".join(" ".join(cell.split()) for cell in row))
    else:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in header:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
        Console().print(table)
    if summary:
        print(summary, file=sys.stderr)


_STYLES = {
    "cached": "green",
    "committed": "green",
    "will run": "yellow",
    "running": "cyan",
    "blocked": "red",
    "failed": "red",
}
