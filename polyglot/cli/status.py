"""`polyglot status`: where every stage of a study is."""

import json
from collections import Counter

from polyglot.cli.options import DataOnly, MixName, Output, OutputForm, ProfileName, StoreUrl, StudyFile
from polyglot.cli.output import print_table
from polyglot.cli.session import open_session, survey_session


def command(
    study: StudyFile,
    mix: MixName = None,
    data_only: DataOnly = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    output: OutputForm = Output.TABLE,
) -> None:
    """Say where every stage of a study is: committed, running with its progress, failed with its reason, or waiting."""
    session = open_session(study, mix=mix, profile=profile, store=store, data_only=data_only)
    seen = survey_session(session)
    rows = [(planned, seen[planned.key]) for planned in session.plan]
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
