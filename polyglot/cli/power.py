"""How `plan --power` says what a study could show."""

import json
from dataclasses import asdict

from polyglot.cli.options import Output
from polyglot.cli.output import print_table
from polyglot.core.errors import BadInput
from polyglot.estimates.power import Expected, power
from polyglot.kinds.aggregate import AggregateParams
from polyglot.plan.plan import Plan, aggregate_of

HEADER = ("comparisons", "number", "smallest difference found", "after adjustment")


def print_power(plan: Plan, expected: Expected, output: Output) -> None:
    """Print a row for each family. Raises BadInput for a study that compares nothing, or a number that cannot be."""
    lowest = min(expected.questions, expected.categories, expected.seed_sd, expected.question_sd)
    if lowest < 0 or expected.questions < 2:
        raise BadInput(
            "no such study",
            where="--power",
            got=f"{expected.questions} questions, SDs {expected.seed_sd:g} and {expected.question_sd:g}",
            expected="two questions or more, and no SD below zero",
        )
    tables = aggregate_of(plan)
    params = AggregateParams.of(tables.stage) if tables is not None else None
    rows = power(params.contrasts, params.cells, expected) if params is not None else []
    if output is Output.JSON:
        print(json.dumps({"expected": asdict(expected), "families": [asdict(row) for row in rows]}, indent=1))
        return
    seeds = "one seed: of these models alone" if expected.seeds == 1 else f"{expected.seeds} seeds"
    print_table(
        HEADER,
        [(row.name, str(row.contrasts), f"{row.alone:.2f}", f"{row.adjusted:.2f}") for row in rows],
        summary=(
            f"points of the mean score that are found four times in five, with {expected.questions} questions in "
            f"{expected.categories} categories, {seeds}, SD {expected.seed_sd:g} between seeds and "
            f"{expected.question_sd:g} between questions"
        ),
    )
