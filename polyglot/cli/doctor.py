"""`polyglot doctor`: prove that this machine and this store can carry a study."""

from polyglot.cli.options import ProfileName, StoreUrl
from polyglot.cli.output import print_table
from polyglot.core.errors import PolyglotError
from polyglot.store.doctor import examine, examine_environment
from polyglot.store.locate import open_store
from polyglot.study.profile import load_profile


def command(profile: ProfileName = "local", store: StoreUrl = None) -> None:
    """Prove the store (conditional writes under a race, clock, permissions) and the environment."""
    findings = [*examine_environment(), *examine(open_store(load_profile(profile).store if store is None else store))]
    rows = [(row.name, "ok" if row.ok else "NOT OK", row.detail, "" if row.ok else row.remedy) for row in findings]
    print_table(("check", "result", "detail", "remedy"), rows)
    bad = [row.name for row in findings if not row.ok]
    if bad:
        raise PolyglotError(f"{len(bad)} of {len(findings)} checks failed: {', '.join(bad)}")
