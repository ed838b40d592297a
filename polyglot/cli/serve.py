"""`polyglot serve`: a model of a study, taken out of the store and served by vLLM."""

import os
import shlex
import shutil
from pathlib import Path
from typing import Annotated

import typer

from polyglot.cli.deliver import check_out
from polyglot.cli.looking import open_view
from polyglot.cli.options import MixName, ProfileName, StoreUrl, StudyGiven
from polyglot.cli.output import say
from polyglot.core.errors import BadInput
from polyglot.export.model_card import take_model
from polyglot.export.selection import select


def command(
    study: StudyGiven,
    name: Annotated[str, typer.Argument(metavar="MODEL", help="A cell or model, or a part of its name.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder that it is put below.")] = Path("models"),
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where it listens, on this machine.")] = 8000,
    run: Annotated[bool, typer.Option("--run", help="Start vLLM in place of this command.")] = False,
    mix: MixName = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Take a model out of the store and print the command with which vLLM serves it; `--run` starts it."""
    check_out(to, option="--to", what="the model")
    view = open_view(study, mix=mix, profile=profile, store=store)
    (wanted,) = select(view.plan, "model", name)
    folder = take_model(view.store, view.plan, wanted, to / wanted.name.replace("/", "-"))
    line = [
        "vllm",
        "serve",
        str(folder),
        "--served-model-name",
        wanted.name,
        "--host",
        "127.0.0.1",
        "--port",
        f"{port}",
    ]
    if not run:
        print(shlex.join(line))
        return
    say(shlex.join(line))
    program = shutil.which("vllm")
    if program is None:
        remedy = "Install vLLM into an environment of its own, or run the printed command where it is"
        raise BadInput("vLLM is not on the PATH", where="--run", remedy=remedy)
    os.execv(program, line)  # noqa: S606 - the server takes this command's place, and its signals
