"""How costs are shown and asked about: the table of `plan --cost`, and the question that `submit` asks."""

import json
import sys
from collections.abc import Callable, Sequence

import typer

from polyglot.cli.options import Output
from polyglot.cli.output import print_table, say
from polyglot.core.canonical import Json
from polyglot.core.errors import BadInput
from polyglot.core.units import show_bytes, show_seconds
from polyglot.estimates.estimate import Estimated
from polyglot.estimates.total import Total, total
from polyglot.estimates.used import Used
from polyglot.study.profile import AskAbove, Prices

HEADER = ("stage", "parameters", "memory", "tokens", "time", "GPU hours", "disk", "calls", "USD", "from")


def print_cost(estimated: Sequence[Estimated], prices: Prices | None, output: Output) -> None:
    """Print a row for each stage (what was used stands behind what was estimated), and the sum."""
    found = total(estimated, prices)
    if output is Output.JSON:
        print(json.dumps({"stages": [_document(row) for row in estimated], "total": _total(found)}, indent=1))
        return
    print_table(HEADER, [_row(row) for row in estimated], summary=f"still to run: {found}")


def confirm(estimated: Sequence[Estimated], prices: Prices | None, limit: AskAbove, *, yes: bool) -> None:
    """Say what is still to run, and ask where that is more than the profile's limit.

    Raises BadInput where it is, and there is nobody to ask; typer.Abort for a no.
    """
    found = total(estimated, prices)
    if not found.stages:
        return
    say(f"estimate: {found}; `polyglot plan --cost` has each stage")
    if yes or not found.exceeds(limit):
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        said = [f"{limit.usd:g} USD"] if limit.usd is not None else []
        said += [f"{limit.gpu_hours:g} GPU hours"] if limit.gpu_hours is not None else []
        raise BadInput(
            "the estimate is above what may start without a question",
            where="ask-above",
            got=f"{found.usd:.2f} USD, {found.gpu_hours:.1f} GPU hours",
            expected=f"at most {' and '.join(said)}",
            remedy="Say it with --yes, or raise `ask-above` in the profile",
        )
    typer.confirm("Start it?", abort=True, err=True)


def _row(row: Estimated) -> tuple[str, ...]:
    needs, used = row.forecast, row.used or Used()
    gpu = f"{row.gpu_hours:.2f}" if row.gpu_hours else ""
    figures = (
        _beside(needs.memory_bytes, used.memory_bytes, _size),
        _beside(needs.tokens, used.tokens, _count),
        _beside(needs.seconds, used.seconds, show_seconds),
        gpu,
        _beside(needs.disk_bytes, used.disk_bytes, _size),
        _beside(needs.calls, used.calls, _count)
        + (f" ({_count(used.reused_calls)} reused)" if used.reused_calls else ""),
        _beside(needs.usd, used.usd, _dollars),
    )
    said = [f"{name}: {text}" for name, text in needs.sources.items()]
    said += [f"not known: {text}" for text in needs.lacking]
    return (row.planned.label, _count(needs.parameters), *figures, "; ".join(said))


def _beside(estimated: float | None, used: float | None, show: Callable[[float], str]) -> str:
    """The estimate, and behind an arrow what was used."""
    said = "" if estimated is None else show(estimated)
    return said if used is None else f"{said or '?'} -> {show(used)}"


def _size(count: float) -> str:
    return show_bytes(int(count))


def _dollars(usd: float) -> str:
    return f"{usd:.2f}" if usd else "0"


def _count(number: float | None) -> str:
    if number is None:
        return ""
    for name, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{name}"
    return f"{number:.0f}"


def _document(row: Estimated) -> dict[str, Json]:
    needs, used = row.forecast, row.used
    names = ("parameters", "tokens", "seconds", "disk_bytes", "calls", "prompt_tokens", "completion_tokens", "usd")
    return {
        "label": row.planned.label,
        "key": row.planned.key,
        "ranks": row.planned.resources.ranks,
        "estimated": {
            **{name: getattr(needs, name) for name in names},
            "memory_bytes": needs.memory_bytes,
            "memory": dict(needs.memory),
            "host_bytes": needs.host_bytes,
            "gpu_hours": row.gpu_hours,
            "sources": dict(needs.sources),
            "lacking": list(needs.lacking),
        },
        "used": None if used is None else {name: getattr(used, name) for name in type(used).__slots__},
    }


def _total(found: Total) -> dict[str, Json]:
    prices = None if found.prices is None else found.prices.model_dump(mode="json")
    names = ("stages", "seconds", "gpu_hours", "calls", "tokens", "call_usd", "gpu_usd", "disk_bytes")
    figures = {name: getattr(found, name) for name in names}
    return {**figures, "usd": found.usd, "unknown": list(found.unknown), "prices": prices}
