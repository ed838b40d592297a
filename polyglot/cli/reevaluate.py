"""`polyglot reevaluate`: evaluate the models of submitted studies anew, as each night's CronJob does."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from polyglot.cli.alert import tell_night
from polyglot.cli.deliver import check_out, deliver_night, options_of
from polyglot.cli.endpoints import check_endpoints
from polyglot.cli.options import OutDirectory, ProfileName, StoreUrl
from polyglot.cli.output import say
from polyglot.cli.run_submission import interrupted_when_away, run_submission
from polyglot.core.errors import BadInput, Interrupted, PolyglotError
from polyglot.core.night import night_name
from polyglot.core.units import show_first
from polyglot.engine.drift_reference import watch_of
from polyglot.engine.submission import Submission, submission_at, submission_of_night
from polyglot.kinds.registry import kind_of
from polyglot.schedulers.site import DetachedSite, Site, site_of
from polyglot.store.committed import committed_many
from polyglot.store.locate import open_store
from polyglot.store.nights import find_night, record_night
from polyglot.store.store import Store
from polyglot.store.submissions import newest_submission
from polyglot.study.profile import Profile, load_profile


def command(
    studies: Annotated[list[str], typer.Argument(metavar="STUDY…", help="Names of studies that were submitted.")],
    night: Annotated[
        str | None,
        typer.Option(
            "--night", metavar="ID", help="The evaluation's name, a word or an instant; without it the Job's own tick."
        ),
    ] = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    out: OutDirectory = Path("out"),
) -> None:
    """Answer and judge anew with the models that each study was last submitted with, under the name of a night.

    The name is a parameter of the answers: nothing is answered from the cache, the same night twice is one evaluation.
    Nothing is trained. When a study fails, the others are evaluated all the same. On this machine the report is put
    into a folder; `polyglot report --night` fetches that of a cluster.
    """
    chosen = load_profile(profile)
    site = site_of(chosen)
    if not isinstance(site, DetachedSite):
        check_out(out)
    opened = open_store(store or chosen.store)
    with interrupted_when_away():
        name = night_name(_own_night(site) if night is None else night)
    names, options = list(dict.fromkeys(studies)), options_of(mix=None, profile=profile, store=store)
    failures: list[PolyglotError] = []
    for study in names:
        try:
            _evaluate(study, name, opened, chosen, out, options)
        except Interrupted:
            raise
        except PolyglotError as error:
            if len(names) == 1:
                raise
            failures.append(PolyglotError(f"{study}: {error}"))
    if failures:
        raise PolyglotError("; ".join(map(str, failures)))


def _own_night(site: Site) -> str:
    """The name of the night for which this job was started. Raises BadInput outside of a job of a timer."""
    job = os.environ.get("POLYGLOT_JOB", "")
    night = site.night_of_job(job) if job else ""
    if not night:
        raise BadInput(
            "there is no tick to name the evaluation after",
            where=f"job {job}" if job else "reevaluate",
            expected="a Job of a CronJob, with the annotation of its scheduled time",
            remedy="Outside of one, name it: --night 2026-01-31",
        )
    return night


def _evaluate(study: str, night: str, store: Store, profile: Profile, out: Path, options: str) -> None:
    """Evaluate one study. Raises PolyglotError when it cannot be, or stages failed."""
    with interrupted_when_away():
        submission = _begun(study, night, store, profile)
    site = site_of(replace(profile, cluster=submission.cluster))
    try:
        run_submission(submission, store, site)
    finally:  # what was found before a later stage failed is told by nobody else: the next night begins after it
        try:
            tell_night(store, submission, site, profile.nights, job=os.environ.get("POLYGLOT_JOB", ""))
        except (PolyglotError, OSError) as error:  # the run's own error is the one to end with
            say(f"{submission.title}: what was found is not told: {error}")
    report = submission.stages[-1]
    if isinstance(site, DetachedSite):
        say(f"{submission.title}: the report is {report.name}; `polyglot report STUDY --night {night}` fetches it")
        return
    for path in deliver_night(store, submission, night, out, options=options):
        print(path)


def _begun(study: str, night: str, store: Store, profile: Profile) -> Submission:
    """Record that a night begins, and return what it runs: as the last one began it, whatever was submitted since.

    Raises PolyglotError, and records nothing, when it could not come to its end.
    """
    site = site_of(profile)
    standing = find_night(store, study, night)
    path = (
        standing.submission if standing else newest_submission(store, study, local=not isinstance(site, DetachedSite))
    )
    watch = standing.watch if standing else watch_of(store, study, path)
    submission = submission_at(store, path).again(night, watch)
    if submission.backend != profile.backend:  # a pod of the controller's image cannot run stages itself
        raise BadInput(
            f"the night began with backend {submission.backend}",
            where=submission.title,
            got=f"a profile with backend {profile.backend}",
            remedy="Go on with it there, with the profile that it began with, or evaluate another night",
        )
    if standing is None:
        _check_models(submission, store)
    if not isinstance(site, DetachedSite):
        check_endpoints(submission.stages, store, site, os.environ)
    if standing is None:
        report = submission.stages[-1].key
        standing = record_night(store, study, night, submission=path, report=report, watch=watch)
    if standing.submission == path and standing.watch == watch:
        return submission
    return submission_of_night(store, standing)


def _check_models(submission: Submission, store: Store) -> None:
    """Raise PolyglotError when a model is not committed: training is no night's work."""
    done = committed_many(store, [planned.stage for planned in submission.stages])
    models = [planned for planned in submission.stages if kind_of(planned.stage.kind).tunes]
    missing = [planned.label for planned in models if planned.key not in done]
    if missing:
        what = f"a night trains nothing, and {show_first(missing)} is not committed; submit it first"
        raise PolyglotError(f"{submission.title}: {what}")
