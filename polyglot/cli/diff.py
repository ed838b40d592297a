"""`polyglot diff`: what differs between two studies, in what went in and in what was found."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from polyglot.cli.looking import night_of, open_view, study_name
from polyglot.cli.options import Output, OutputForm, ProfileName, StoreUrl
from polyglot.cli.output import print_table, say
from polyglot.cli.view import View
from polyglot.core.errors import BadInput
from polyglot.engine.submission import Submission, submission_at, submission_of_night
from polyglot.export.findings import findings_of
from polyglot.kinds.aggregate import Estimate
from polyglot.kinds.metrics import BY_NAME, Metric
from polyglot.kinds.report import Report
from polyglot.plan.plan import Plan
from polyglot.provenance.findings import Beside, contrasts_beside, means_beside
from polyglot.provenance.inputs import Change, StageChange, changed_stages
from polyglot.store.locate import open_store
from polyglot.store.store import Store
from polyglot.store.submissions import all_submissions
from polyglot.study.profile import load_profile

_EARLIER = re.compile(r"(.+)~(\d{1,6})")
_VALUES = 4  # of a stage that are shown in a table
_WHICH = "A study, by its file or name; NAME~1 is the submission before the newest one, NAME@NIGHT one of its nights."


def command(
    then: Annotated[str, typer.Argument(metavar="STUDY", help=_WHICH)],
    now: Annotated[str, typer.Argument(metavar="STUDY'", help="Another one, likewise.")],
    profile: ProfileName = "local",
    store: StoreUrl = None,
    other_store: Annotated[
        str | None, typer.Option("--other-store", metavar="URL", help="The store of STUDY', where it is another one.")
    ] = None,
    output: OutputForm = Output.TABLE,
) -> None:
    """Say what differs between two studies, two submissions or two nights: in what went in, and in what was found.

    Of what went in, the stages that are asked otherwise are listed with their parameters, and those that only follow
    are counted. Of what was found, means and contrasts stand beside each other, where both studies have counted them.
    """
    one = _open(then, profile=profile, store=store)
    other = _open(now, profile=profile, store=other_store if other_store is not None else store)
    stages = changed_stages(one.plan, other.plan)
    found = findings_of(one.store, one.plan), findings_of(other.store, other.plan)
    metric = None if found[1] is None else BY_NAME[found[1].metric]
    means, contrasts = ([], []) if metric is None else _beside(*found, metric)
    if output is Output.JSON:
        document = {
            "inputs": [_stage_document(row) for row in stages],
            "means": [_beside_document(row) for row in means],
            "contrasts": [_beside_document(row) for row in contrasts],
        }
        print(json.dumps(document, indent=1, ensure_ascii=False))
        return
    _print_stages(stages, len(other.plan))
    for name, each in zip((then, now), found, strict=True):
        if each is None:
            say(f"{name}: no scores are counted yet; only what went in is compared")
    if metric is not None and found[0] is not None:
        _print_numbers("mean", means, metric)
        _print_numbers("contrast", contrasts, metric)


def _open(text: str, *, profile: str, store: str | None) -> View:
    """What a user means: a study, an earlier submission of it, or a night. Raises BadInput."""
    earlier, (name, at, night) = _EARLIER.fullmatch(text), text.partition("@")
    if not earlier and not at:
        return open_view(text, mix=None, profile=profile, store=store)
    chosen, name = load_profile(profile), study_name(earlier[1] if earlier else name)
    opened = open_store(chosen.store if store is None else store)
    if earlier:
        submission = _earlier(opened, name, int(earlier[2]))
    else:
        submission = submission_of_night(opened, night_of(opened, name, night))
    return View(profile=chosen, plan=Plan(name, submission.stages), store=opened, title=submission.title)


def _earlier(store: Store, study: str, back: int) -> Submission:
    """The submission so many before a study's newest one."""
    every = all_submissions(store, study)
    if back >= len(every):
        expected = f"at most ~{len(every) - 1}" if every else "a study that was submitted"
        raise BadInput("no such submission", where=f"study {study}", got=f"~{back}", expected=expected)
    return submission_at(store, every[back][1])


def _beside(one: Report | None, other: Report | None, metric: Metric) -> tuple[list[Beside], list[Beside]]:
    """Means and contrasts, by the metric that the second study shows; nothing without both."""
    if one is None or other is None:
        return [], []
    means = means_beside(one.arms, other.arms, metric)
    return means, contrasts_beside(one.contrasts, other.contrasts, metric)


def _print_stages(stages: Sequence[StageChange], count: int) -> None:
    counts = Counter(row.change for row in stages)
    told = ", ".join(f"{counts[change]} {change}" for change in Change if counts[change])
    summary = f"what went in: {told}, of {count} stages" if stages else f"what went in: all {count} stages are equal"
    rows = [
        (row.label, str(row.change), "; ".join(_value(*value) for value in row.values[:_VALUES]) + _more(row))
        for row in stages
        if row.change is not Change.FOLLOWS
    ]
    print_table(("stage", "change", "what"), rows, summary=summary)


def _value(place: str, then: str, now: str) -> str:
    return f"{place} {then} -> {now}"


def _more(row: StageChange) -> str:
    left = len(row.values) - _VALUES
    return f"; and {left} more" if left > 0 else ""


def _print_numbers(what: str, rows: Sequence[Beside], metric: Metric) -> None:
    show = _mean if what == "mean" else _contrast
    cells = [
        (row.name, show(row.then, metric), show(row.now, metric), _difference(row, metric), _said(row, what))
        for row in rows
    ]
    moved = sum(bool(row.difference) for row in rows)
    apart = sum(row.apart for row in rows)
    unit = metric.title if what == "mean" else metric.unit
    summary = f"{len(rows)} {what}s in {unit}: {moved} differ, {apart} by more than their intervals"
    if what == "contrast":
        summary += f", {sum(row.turned for row in rows)} show something else"
    print_table((what, "then", "now", "difference", ""), cells, summary=summary)


def _said(row: Beside, what: str) -> str:
    if row.then is None or row.now is None:
        return "only now" if row.then is None else "only then"
    told = ["intervals apart"] if row.apart else []
    if what == "contrast" and row.turned:
        then, now = row.told
        told.append(f"{_SIGNS[then]}, now {_SIGNS[now]}")
    return "; ".join(told)


_SIGNS = {1: "higher", 0: "nothing shown", -1: "lower"}


def _mean(found: Estimate | None, metric: Metric) -> str:
    if found is None or found.value is None:
        return ""
    return f"{metric.bare(found.value)} ({metric.interval(found)})"


def _contrast(found: Estimate | None, metric: Metric) -> str:
    if found is None or found.value is None:
        return ""
    return f"{metric.signed(found.value)} ({metric.signed_interval(found)})"


def _difference(row: Beside, metric: Metric) -> str:
    return "" if row.difference is None else metric.signed(row.difference)


def _stage_document(row: StageChange) -> Mapping[str, object]:
    values = [{"place": place, "then": then, "now": now} for place, then, now in row.values]
    return {"stage": row.label, "kind": row.kind, "change": row.change, "values": values}


def _beside_document(row: Beside) -> Mapping[str, object]:
    def numbers(found: Estimate | None) -> Mapping[str, float | None] | None:
        return None if found is None else {"value": found.value, "low": found.low, "high": found.high}

    ends = {"then": numbers(row.then), "now": numbers(row.now), "difference": row.difference}
    return {"name": row.name, **ends, "apart": row.apart, "turned": row.turned}
