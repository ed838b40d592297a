"""`polyglot report`: fetch the report of a finished study."""

from pathlib import Path

from polyglot.cli.options import MixName, OutDirectory, ProfileName, StoreUrl, StudyFile


def command(
    study: StudyFile,
    mix: MixName = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    out: OutDirectory = Path("out"),
) -> None:
    """Copy a study's report (one HTML file, CSV, JSON) out of the store and print the paths."""
    from polyglot.cli.deliver import deliver_report
    from polyglot.cli.session import open_session

    for path in deliver_report(open_session(study, mix=mix, profile=profile, store=store), out):
        print(path)
