"""The anchors job: puts old answers of one cell, by their digests, where a judge finds them."""

import shutil

from jobs.lib.context import Context
from polyglot.kinds.anchors import AnchorsParams


def run(context: Context) -> None:
    """Copy the files. Raises Missing for one that the store has no more."""
    params = AnchorsParams.of(context.stage)
    (context.out / "answers").mkdir()
    for language, digest in params.answers.items():
        shutil.copyfile(context.blob(digest), context.out / "answers" / f"{language}.jsonl")
    shutil.copyfile(context.blob(params.card), context.out / "card.json")
    context.metrics["languages"] = len(params.answers)
