"""`polyglot reproduce`: run again what made a number, and compare digests."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from polyglot.cli.looking import open_view
from polyglot.cli.options import Output, OutputForm, ProfileName, StoreUrl
from polyglot.cli.output import print_table, say
from polyglot.cli.run_submission import leave_to_driver, run_submission
from polyglot.cli.session import Session
from polyglot.cli.view import View
from polyglot.core.errors import BadInput, PolyglotError
from polyglot.core.stage import PlannedStage
from polyglot.core.units import show_first
from polyglot.engine.submission import Submission
from polyglot.estimates.used import used_by
from polyglot.export.files import NotComputed
from polyglot.kinds.registry import kind_of
from polyglot.plan.plan import make_plan
from polyglot.provenance.closure import find_result, is_paid, made_of, split
from polyglot.provenance.reproduction import Compared, Outcome, compare
from polyglot.provenance.transfer import copy_result, copy_sources
from polyglot.schedulers.site import DetachedSite
from polyglot.store.committed import committed_many
from polyglot.store.locate import open_store
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store
from polyglot.store.submissions import save_submission

_BAD = (Outcome.DIFFERENT, Outcome.ELSEWHERE, Outcome.FOLLOWS)


def command(
    result: Annotated[
        str,
        typer.Argument(
            metavar="STUDY#CELL",
            help="A cell of a submitted study, by its name or a part of it, such as quickstart#DEFRITES/s0; or any "
            "stage by its label or key, such as quickstart#report.",
        ),
    ],
    into: Annotated[
        str | None,
        typer.Option(
            "--into",
            metavar="URL",
            help="An empty store, in which it runs again; without it a folder for the time of the command.",
        ),
    ] = None,
    ask: Annotated[
        bool,
        typer.Option("--ask", help="Ask judges and translators again too, at their price; replies may differ."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask them whatever was paid before.")] = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    output: OutputForm = Output.TABLE,
) -> None:
    """Run again, in another store, all that made a number, and compare each result's digest with the committed one.

    What others were asked for at a price (an endpoint's verdicts, references, translations) is taken from the store
    as it is, with what was asked about, unless `--ask` is said. Ends with 1 when something came out otherwise.
    """
    study, hash_, name = result.partition("#")
    if not hash_ or not study or not name:
        raise BadInput("not a number of a study", where="STUDY#CELL", got=repr(result[:80]), expected="STUDY#CELL")
    view = open_view(study, mix=None, profile=profile, store=store)
    last = find_result(view.plan, name)
    stages = made_of(last, make_plan(view.plan.study, _planned(view)))
    then = _committed(view, stages)
    run, taken = split(stages, ask=ask)
    if not run:
        raise BadInput("nothing of it can be run again", where=result, remedy="--ask asks those again who were asked")
    _check_versions(run, then)
    _check_price(view, run, then, yes=yes)
    with _target(view, into) as target:
        _fill(view.store, target, run, taken, then)
        if not _has_run(view, target, run, taken, result):
            return
        rows = compare(
            stages,
            then,
            committed_many(target, [planned.stage for planned in run]),
            taken=frozenset(planned.key for planned in taken),
            asked=frozenset(planned.key for planned in run if is_paid(planned)),
        )
    _print(rows, output)
    bad = [row for row in rows if row.outcome in _BAD]
    if bad:
        labels = show_first([row.planned.label for row in bad])
        kept = "" if into else ". With --into URL what came out stays there"
        raise PolyglotError(f"{result}: {len(bad)} of {len(run)} results came out otherwise: {labels}{kept}")


def _check_versions(run: Sequence[PlannedStage], then: Mapping[str, Manifest]) -> None:
    """Raise BadInput where this program makes something else of a stage than the one that made it did."""
    others = [planned for planned in run if planned.stage.version != kind_of(planned.stage.kind).params.version]
    if not others:
        return
    first = others[0].stage
    made_by = then[others[0].key].provenance
    raise BadInput(
        f"{len(others)} stages are of another version of their kind than this program's",
        where=others[0].label,
        got=f"{first.kind} version {first.version}",
        expected=f"version {kind_of(first.kind).params.version}",
        remedy="Reproduce it with the polyglot that made it: "
        + ", ".join(f"{name} {value}" for name, value in sorted(made_by.items())),
    )


def _check_price(view: View, run: Sequence[PlannedStage], then: Mapping[str, Manifest], *, yes: bool) -> None:
    """Say what was paid for what is asked again. Raises BadInput where that is more than may start without a word."""
    used = [used_by(then[planned.key], planned) for planned in run if is_paid(planned)]
    if not used:
        return
    calls, usd = sum(one.calls or 0 for one in used), sum(one.usd or 0.0 for one in used)
    say(f"asked again: {calls:,.0f} calls, for which {usd:.2f} USD were paid then")
    limit = view.profile.ask_above.usd
    if limit is not None and usd > limit and not yes:
        expected, remedy = f"at most {limit:g} USD", "Say it with --yes, or raise `ask-above` in the profile"
        raise BadInput(
            "more than may start without a word", where="--ask", got=f"{usd:.2f} USD", expected=expected, remedy=remedy
        )


def _planned(view: View) -> Sequence[PlannedStage]:
    """The stages with the resources that they are submitted with."""
    return view.stages if isinstance(view, Session) else view.plan.stages


def _committed(view: View, stages: Sequence[PlannedStage]) -> Mapping[str, Manifest]:
    """What was committed. Raises NotComputed when something is not."""
    then = committed_many(view.store, [planned.stage for planned in stages])
    missing = [planned.label for planned in stages if planned.key not in then]
    if missing:
        raise NotComputed(f"{view.title}: {show_first(missing)} is not computed; `polyglot submit` makes it")
    return then


@contextmanager
def _target(view: View, into: str | None) -> Iterator[Store]:
    """The store in which it runs again."""
    if into is not None:
        target = open_store(into, where="--into")
        if target.url == view.store.url:
            raise BadInput("the store of the results themselves", where="--into", got=into, expected="another one")
        yield target
        return
    if isinstance(view.site, DetachedSite):
        remedy = "Name a place in the bucket: --into s3://BUCKET/again"
        raise BadInput("a cluster needs a store that it can reach", where="--into", remedy=remedy)
    with tempfile.TemporaryDirectory(prefix="polyglot-again-") as folder:
        yield open_store(Path(folder).as_uri())


def _fill(
    source: Store,
    target: Store,
    run: Sequence[PlannedStage],
    taken: Sequence[PlannedStage],
    then: Mapping[str, Manifest],
) -> None:
    """Give a store what the stages that run will read."""
    for planned in taken:
        copy_result(then[planned.key], source, target)
    copy_sources(run, source, target)


def _has_run(view: View, target: Store, run: Sequence[PlannedStage], taken: Sequence[PlannedStage], title: str) -> bool:
    """Run it, and return whether it has ended: on a cluster it is left to a driver.

    Raises BadInput for a store of this machine that has some of it already: that was not run now.
    """
    before = committed_many(target, [planned.stage for planned in run])
    stages = tuple(make_plan(view.plan.study, [*taken, *run]))
    submission = Submission(
        study=view.plan.study,
        title=f"{view.title}-again",
        stages=stages,
        backend=view.profile.backend,
        cluster=view.profile.cluster,
        max_attempts=view.profile.max_attempts,
    )
    if not isinstance(view.site, DetachedSite):
        if before:
            raise BadInput("not an empty store", where="--into", got=f"{target.url} with {len(before)} of its results")
        run_submission(submission, target, view.site, with_remarks=False)
        return True
    if len(before) == len(run):
        return True
    folder = f"again-{submission.digest12}"
    path = save_submission(target, submission.study, folder, submission.to_json(), answers=False)
    leave_to_driver(submission, path, target, view.site)
    say(f"{title}: the same command compares, once {len(run) - len(before)} stages have run")
    return False


def _print(rows: Sequence[Compared], output: Output) -> None:
    counts = Counter(str(row.outcome) for row in rows)
    if output is Output.JSON:
        print(json.dumps([_document(row) for row in rows], indent=1, ensure_ascii=False))
        return
    cells = [(row.planned.label, str(row.outcome), row.then[:12], row.now[:12], row.detail) for row in rows]
    summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    print_table(("stage", "outcome", "then", "now", "detail"), cells, summary=summary)


def _document(row: Compared) -> Mapping[str, str]:
    planned = row.planned
    named = {"stage": planned.label, "kind": planned.stage.kind, "key": planned.key}
    return {**named, "outcome": row.outcome, "then": row.then, "now": row.now, "detail": row.detail}
