"""`polyglot report`: fetch the report of a finished study, or of one of its nights."""

from pathlib import Path
from typing import Annotated

import typer

from polyglot.cli.deliver import deliver_night, deliver_report, options_of
from polyglot.cli.looking import night_of, open_view, study_name
from polyglot.cli.options import DataOnly, MixName, OutDirectory, ProfileName, StoreUrl, StudyGiven
from polyglot.cli.session import Session
from polyglot.core.errors import BadInput
from polyglot.engine.submission import submission_of_night
from polyglot.store.locate import open_store
from polyglot.study.profile import load_profile


def command(
    study: StudyGiven,
    mix: MixName = None,
    data_only: DataOnly = False,
    night: Annotated[
        str | None,
        typer.Option("--night", metavar="ID", help="That of a night, as `polyglot nights` lists it."),
    ] = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    out: OutDirectory = Path("out"),
) -> None:
    """Copy a study's report (one HTML file, CSV, JSON) out of the store and print the paths."""
    if night is None:
        view = open_view(study, mix=mix, profile=profile, store=store, data_only=data_only)
        options = options_of(mix=mix, profile=profile, store=store, data_only=data_only)
        paths = deliver_report(view, out, file=study if isinstance(view, Session) else None, options=options)
    elif data_only:
        raise BadInput("a night evaluates models", where="--data-only", got=f"--night {night}", remedy="Leave one out")
    else:
        paths = _of_night(study, night, mix=mix, profile=profile, store=store, out=out)
    for path in paths:
        print(path)


def _of_night(study: str, night: str, *, mix: str | None, profile: str, store: str | None, out: Path) -> list[Path]:
    """The study file tells the study's name alone: what a night has evaluated is kept with its record."""
    if mix is not None:
        raise BadInput("a night has evaluated one submission", where="--mix", got=repr(mix), remedy="Leave it out")
    opened, name = open_store(store or load_profile(profile).store), study_name(study)
    found = night_of(opened, name, night)
    submission = submission_of_night(opened, found)
    options = options_of(mix=None, profile=profile, store=store)
    return deliver_night(opened, submission, found.name, out, options=options)
