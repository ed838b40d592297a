"""`polyglot drive`: run an order to its end, as the driver Job of a cluster does; any number of times."""

from typing import Annotated

import typer

from polyglot.cli.options import ProfileName, StoreUrl


def command(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order's path in the store, as submit printed it.")],
    store: StoreUrl = None,
    profile: ProfileName = "local",
) -> None:
    """Run an order that `submit` left in the store: the loop that creates, watches and repeats the Jobs of its stages.

    Its end is the study's: 0 fine, 1 stages failed, 3 over budget. What passes (a store or an API server that is away
    for long, a SIGTERM) ends in 130, and the next driver goes on.
    """
    from polyglot.cli.run_order import run_there
    from polyglot.engine.submission import Order
    from polyglot.store.locate import open_store
    from polyglot.study.profile import load_profile

    opened = open_store(store or load_profile(profile).store)
    run_there(Order.from_json(opened.read(order), where=f"{opened.url}: {order}"), opened)
