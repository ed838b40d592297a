"""Joins the texts of its inputs with its own name; takes `seconds`."""

import time

from jobs.lib.context import Context
from tests.kit.noop_jobs import note


def run(context: Context) -> None:
    note(context)
    seconds = context.stage.params.get("seconds", 0)
    end = time.monotonic() + float(str(seconds))
    while time.monotonic() < end:
        time.sleep(0.01)
        context.raise_if_stopping()
    parts = [context.inputs[role].path("text").read_text(encoding="utf-8") for role in sorted(context.inputs)]
    (context.out / "text").write_text(f"{context.stage.params['name']}({','.join(parts)})", encoding="utf-8")
