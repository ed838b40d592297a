"""`polyglot catalogue`: published models, data sets and benchmarks that a study can name."""

import io
import json
from pathlib import Path
from typing import Annotated

import typer
from ruamel.yaml import YAML

from polyglot.cli.options import Output, OutputForm
from polyglot.cli.output import print_table
from polyglot.core.errors import BadInput
from polyglot.study.catalogue import PARTS, load_catalogue


def command(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One of them: print it whole.")] = None,
    output: OutputForm = Output.TABLE,
) -> None:
    """List what a study can name as `published: NAME`, with licences; a catalogue.yaml in this folder adds to it."""
    catalogue = load_catalogue(Path())
    chosen = {part: {key: each for key, each in catalogue[part].items() if name in (None, key)} for part in PARTS}
    found = {part: entries for part, entries in chosen.items() if entries}
    if not found:
        raise BadInput(
            "nothing of this name in the catalogue", got=repr(name), remedy="`polyglot catalogue` lists them"
        )
    documents = {
        part: {key: entry.model_dump(mode="json", by_alias=True, exclude_defaults=True) for key, entry in some.items()}
        for part, some in found.items()
    }
    if output is Output.JSON:
        print(json.dumps(documents, indent=1, ensure_ascii=False))
    elif name is not None:
        text = io.StringIO()
        yaml = YAML()
        yaml.width = 120
        yaml.dump(documents, text)
        print(text.getvalue(), end="")
    else:
        rows = [
            (key, part.removesuffix("s"), entry.licence, "gated" if entry.gated else "", entry.title)
            for part, some in found.items()
            for key, entry in some.items()
        ]
        print_table(("name", "kind", "licence", "access", "what"), rows)
