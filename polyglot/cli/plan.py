"""`polyglot plan`: what would run, and because of what. Starts nothing."""

import json
from typing import Annotated

import typer

from polyglot.cli.cost import print_cost
from polyglot.cli.options import DataOnly, MixName, Output, OutputForm, ProfileName, StoreUrl, StudyFile
from polyglot.cli.output import print_table, say
from polyglot.cli.power import print_power
from polyglot.cli.session import Session, open_session
from polyglot.engine.drift_reference import anchor_verdicts
from polyglot.estimates.power import Expected
from polyglot.plan.diagnose import Diagnosis, diagnose
from polyglot.plan.tables import changed_recipes
from polyglot.store.submissions import plans


def command(
    study: StudyFile,
    mix: MixName = None,
    data_only: DataOnly = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    output: OutputForm = Output.TABLE,
    cost: Annotated[
        bool, typer.Option("--cost", help="What each stage will need, beside what those that are done have used.")
    ] = False,
    power: Annotated[
        bool, typer.Option("--power", help="The smallest differences that its comparisons would find, before it runs.")
    ] = False,
    seed_sd: Annotated[float, typer.Option(help="Of --power: expected SD of an arm's mean between its seeds.")] = 0.1,
    question_sd: Annotated[
        float, typer.Option(help="Of --power: expected SD over questions of the difference between two arms.")
    ] = 1.0,
    questions: Annotated[int, typer.Option(help="Of --power: questions of the benchmark.")] = 80,
    categories: Annotated[int, typer.Option(help="Of --power: and their categories.")] = 8,
) -> None:
    """Say for every stage of a study whether it is cached, will run or is blocked, and because of what."""
    session = open_session(study, mix=mix, profile=profile, store=store, data_only=data_only)
    if cost:
        print_cost(session.estimated, session.profile.prices, output)
        _say_nights(session)
        return
    if power:
        expected = Expected(
            questions=questions,
            categories=categories,
            seeds=len(session.locked.study.seeds),
            seed_sd=seed_sd,
            question_sd=question_sd,
        )
        print_power(session.plan, expected, output)
        return
    found = _diagnose(session)
    if output is Output.JSON:
        print(json.dumps([_document(row) for row in found], indent=1, ensure_ascii=False))
        return
    for used in session.locked.used:
        print(used)
    for line in (*changed_recipes(session.locked.study), *session.oddities):
        print(line)
    print_table(
        ("stage", "state", "because"),
        [(row.planned.label, row.state.value, row.because) for row in found],
        summary=", ".join(
            f"{sum(row.state is state for row in found)} {state.value}"
            for state in dict.fromkeys(row.state for row in found)
        ),
    )


def _document(row: Diagnosis) -> dict[str, object]:
    return {
        "label": row.planned.label,
        "name": row.planned.name,
        "key": row.planned.key,
        "state": row.state.value,
        "because": row.because,
        "stage": row.planned.stage.document(),
    }


def _say_nights(session: Session) -> None:
    """What each night costs beside its own answers and verdicts."""
    rows = {row.planned.key: row.forecast for row in session.estimated}
    anchors = [rows[key] for key in anchor_verdicts(session.plan.stages)]
    calls = sum(row.calls or 0.0 for row in anchors)
    if calls:
        prices = [row.usd for row in anchors]
        usd = "" if None in prices else f", {sum(price or 0.0 for price in prices):.2f} USD"
        say(f"each night also judges {len(anchors)} cells' old answers anew, its anchors: {calls:.0f} calls{usd}")


def _diagnose(session: Session) -> list[Diagnosis]:
    """Say what every stage of the session's plan would do if it were submitted now."""
    seen = session.survey()
    return diagnose(
        session.plan,
        committed={key: True for key, row in seen.items() if row.state == "committed"},
        failures={key: row.detail for key, row in seen.items() if row.state == "failed"},
        withdrawn={key: row.withdrawn for key, row in seen.items() if row.withdrawn},
        earlier=plans(session.store, session.plan.study),
    )
