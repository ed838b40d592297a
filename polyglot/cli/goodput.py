"""`polyglot goodput`: what share of their GPUs' time trainings used, and which start lost what, to what."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from polyglot.cli.looking import open_view
from polyglot.cli.options import MixName, Output, OutputForm, ProfileName, StoreUrl, StudyGiven
from polyglot.cli.output import print_table, say
from polyglot.core.canonical import Json
from polyglot.core.units import show_seconds
from polyglot.estimates.goodput import Goodput, StartTimes, Times, goodputs, total
from polyglot.export.selection import name_of, select
from polyglot.schedulers.site import site_of

_TIMES = ("time", "steps", "data wait", "validation", "checkpoints", "lost", "rest")
_HEADER = ("training", "goodput", "starts", *_TIMES, "lost steps", "lost to")
_LEDGER = ("training", "start", "began", "after step", "reached", "kept", "lost", *_TIMES, "end")


def command(
    study: StudyGiven,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Of which training, or a part of its name: a row a start."),
    ] = None,
    mix: MixName = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    output: OutputForm = Output.TABLE,
) -> None:
    """Say what share of their time trainings spent on the steps of their results, and what each start lost.

    Time is that of GPUs, or of processes where there are none, from each start's first record to its last.
    """
    view = open_view(study, mix=mix, profile=profile, store=store)
    stages = [wanted.planned for wanted in select(view.plan, "steps", name)]
    found = goodputs(stages, view.store, alive=site_of(view.profile).alive(view.store.url))
    if output is Output.JSON:
        print(json.dumps([_document(one) for one in found], indent=1, ensure_ascii=False))
        return
    summary = _summary(found)
    if name is None:
        print_table(_HEADER, [_row(one) for one in found], summary=summary)
    else:
        rows = [_start(name_of(one.planned), start) for one in found for start in one.starts]
        print_table(_LEDGER, rows, summary=summary)


def _summary(found: Sequence[Goodput]) -> str:
    if not found:
        return "no training has begun"
    times = total([start for one in found for start in one.starts])
    starts = sum(len(one.starts) for one in found)
    of = f"{len(found)} training{'s' * (len(found) > 1)} in {starts} start{'s' * (starts > 1)}"
    if any(one.times.goodput is None for one in found):
        say("of some trainings no step was recorded: they are from before there was a record, or have just begun")
    return f"goodput {_share(times.goodput)} of {show_seconds(times.allocated)} of GPUs (or processes): {of}"


def _row(one: Goodput) -> tuple[str, ...]:
    lost_to = dict.fromkeys(start.entry.end for start in one.starts if start.entry.lost_steps)
    head = (name_of(one.planned), _share(one.times.goodput), str(len(one.starts)))
    return (*head, *_shown(one.times), str(one.lost_steps), "; ".join(lost_to))


def _start(name: str, start: StartTimes) -> tuple[str, ...]:
    entry, session = start.entry, start.entry.session
    after = "?" if entry.after is None else str(entry.after)
    number, began = f"{session.attempt}.{session.start}", f"{session.began:%Y-%m-%dT%H:%M:%SZ}"
    counts = (after, str(entry.reached), str(entry.kept_steps), str(entry.lost_steps))
    return (name, number, began, *counts, *_shown(start.times), entry.end)


def _shown(times: Times) -> tuple[str, ...]:
    each = (times.allocated, times.steps, times.data, times.validation, times.checkpoints, times.lost, times.rest)
    return tuple(show_seconds(seconds) if seconds else "0" for seconds in each)


def _share(share: float | None) -> str:
    return "?" if share is None else f"{100 * share:.1f} %"


def _document(one: Goodput) -> dict[str, Json]:
    return {
        "training": name_of(one.planned),
        "key": one.planned.key,
        "goodput": one.times.goodput,
        "seconds": _seconds(one.times),
        "lost_steps": one.lost_steps,
        "starts": [
            {
                "attempt": start.entry.session.attempt,
                "start": start.entry.session.start,
                "began": start.entry.session.began.isoformat(),
                "ended": start.ended.isoformat(),
                "devices": start.devices,
                "after_step": start.entry.after,
                "reached_step": start.entry.reached,
                "kept_steps": start.entry.kept_steps,
                "lost_steps": start.entry.lost_steps,
                "seconds": _seconds(start.times),
                "end": start.entry.end,
            }
            for start in one.starts
        ],
    }


def _seconds(times: Times) -> dict[str, float]:
    return {**{name: round(getattr(times, name), 3) for name in times.__slots__}, "rest": round(times.rest, 3)}
