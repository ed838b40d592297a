"""Counts to `steps`, a checkpoint and a report of progress each; the result tells nothing of interruptions.

A step takes `seconds`, or what POLYGLOT_TEST_STEP_SECONDS says: a test that has killed a slow one need not wait for it.
"""

import os
import signal
import time

from jobs.lib.context import Context
from tests.kit.noop_jobs import note


def counted(steps: int) -> str:
    """The result of so many steps, however often they were interrupted."""
    return str(pow(31, steps, 1_000_003))


def run(context: Context) -> None:
    resume = context.work / "resume"
    step = resumed = context.checkpoints.newest(resume) or 0
    total = int(str(context.stage.params["steps"]))
    value = int((resume / "value").read_text()) if step else 1
    seconds = float(os.environ.get("POLYGLOT_TEST_STEP_SECONDS") or str(context.stage.params.get("seconds", 0.02)))
    note(context, resumed=step)
    while step < total:
        time.sleep(seconds)
        step += 1
        value = value * 31 % 1_000_003
        saved = context.work / "save"
        saved.mkdir(exist_ok=True)
        (saved / "value").write_text(str(value))
        context.checkpoints.save(saved, step)
        context.progress(step, total, "steps", value=float(value))
        if step == context.stage.params.get("deaf_after") and resumed == 0:
            note(context, deaf=True)
            time.sleep(3600)
        if step - resumed == context.stage.params.get("dies_after"):
            os.kill(os.getpid(), signal.SIGKILL)
        context.raise_if_stopping()
    context.volatile["resumed_from_step"] = resumed
    (context.out / "text").write_text(str(value))
