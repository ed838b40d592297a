"""`polyglot status`: where every stage of a study is."""

import json
from collections import Counter

from polyglot.cli.looking import open_view
from polyglot.cli.options import DataOnly, MixName, Output, OutputForm, ProfileName, StoreUrl, StudyGiven
from polyglot.cli.output import print_table, say


def command(
    study: StudyGiven,
    mix: MixName = None,
    data_only: DataOnly = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    output: OutputForm = Output.TABLE,
) -> None:
    """Say where every stage of a study is: committed, running with its progress, failed with its reason, or waiting."""
    view = open_view(study, mix=mix, profile=profile, store=store, data_only=data_only)
    seen = view.survey()
    rows = [(planned, seen[planned.key]) for planned in view.plan]
    if output is Output.JSON:
        print(
            json.dumps(
                [
                    {"label": p.label, "name": p.name, "key": p.key, "state": row.state, "detail": row.detail}
                    for p, row in rows
                ],
                indent=1,
                ensure_ascii=False,
            )
        )
        return
    counts = Counter(str(row.state) for _, row in rows)
    print_table(
        ("stage", "name", "state", "detail"),
        [(planned.label, planned.name, str(row.state), row.detail) for planned, row in rows],
        summary=", ".join(f"{count} {state}" for state, count in counts.items()),
    )
    if view.is_stopped(seen):
        say(view.stopped)
