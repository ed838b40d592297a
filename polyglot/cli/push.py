"""`polyglot push`: a model of a study, or its adapter, to a repository of the hub."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from polyglot.cli.looking import open_view
from polyglot.cli.options import MixName, ProfileName, StoreUrl, StudyGiven
from polyglot.cli.output import say
from polyglot.export.model_card import take_model
from polyglot.export.push import check_repository, push
from polyglot.export.selection import select


def command(
    study: StudyGiven,
    name: Annotated[str, typer.Argument(metavar="MODEL", help="A cell or model, or a part of its name.")],
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository of the hub.")],
    public: Annotated[
        bool, typer.Option("--public", help="For everybody to see; a new repository is private.")
    ] = False,
    adapter: Annotated[
        bool, typer.Option("--adapter", help="The adapter alone, of a model that was tuned by LoRA.")
    ] = False,
    mix: MixName = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Put a model or an adapter with its card into a repository of the hub as one commit and print its address."""
    check_repository(repository)
    view = open_view(study, mix=mix, profile=profile, store=store)
    (wanted,) = select(view.plan, "adapter" if adapter else "model", name)
    with TemporaryDirectory(prefix="polyglot-") as scratch:
        folder = take_model(view.store, view.plan, wanted, Path(scratch) / "model")
        message = f"{view.plan.study}: {wanted.name} (stage {wanted.planned.key[:12]})"
        made = push(folder, repository, private=not public, message=message)
    if made.private == public:
        say(f"{repository} was there and is {'private' if made.private else 'public'}: its visibility is left as it is")
    print(made.address)
