"""`polyglot gc`: delete what nothing refers to."""

from typing import Annotated

import typer

from polyglot.attempts.garbage import collect
from polyglot.cli.options import ProfileName, StoreUrl
from polyglot.cli.output import say
from polyglot.store.locate import open_store
from polyglot.study.profile import load_profile


def command(
    profile: ProfileName = "local",
    store: StoreUrl = None,
    grace_days: Annotated[int, typer.Option("--grace-days", min=1, help="Keep whatever is younger than this.")] = 14,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
) -> None:
    """Delete unreferenced blobs and replies of no use beyond the grace period, and abandoned uploads."""
    opened = open_store(load_profile(profile).store if store is None else store)
    done = collect(opened, grace_days=grace_days, dry_run=dry_run)
    say(f"{opened.url}: {done.describe(dry_run=dry_run)}")
