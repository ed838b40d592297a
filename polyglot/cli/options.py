"""The arguments that several verbs share, written once so that they read the same everywhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Output(StrEnum):
    """How a verb prints its data."""

    TABLE = "table"
    JSON = "json"


StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="The study file, such as studies/quickstart.yaml.")]
STAGE_HELP = "A stage's label, name or key (or the beginning of its key)."
StageName = Annotated[str, typer.Argument(metavar="STAGE", help=STAGE_HELP)]
StudyGiven = Annotated[
    str, typer.Argument(metavar="STUDY", help="The study file, or the name of a study that was submitted.")
]
OfStudy = Annotated[
    str | None,
    typer.Option(
        "--study", metavar="STUDY", help="Look the stage up in this study, by file or name, not in all submitted ones."
    ),
]
MixName = Annotated[
    str | None, typer.Option("--mix", "-m", metavar="MIX", help="Only this mix of the study, such as DEFRITES.")
]
DataOnly = Annotated[bool, typer.Option("--data-only", help="Only its data and mixes, and a page of their cards.")]
ProfileName = Annotated[
    str, typer.Option("--profile", "-p", metavar="NAME", help="Where to run: a profile's name or file.")
]
StoreUrl = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="The store, instead of the profile's: a directory, file:// or s3://."),
]
OutputForm = Annotated[Output, typer.Option("--output", "-o", help="A table to read or JSON to process.")]
OutDirectory = Annotated[Path, typer.Option("--out", help="Where the report is put.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the record.")]
