"""Fails in the way that `how` names, the first `times` times by the ledger; always without that parameter.

`need` and `fill` are no failures where there is room: they hold `mib` of memory or disk for a moment.
"""

import os
import signal
import subprocess
import sys
import time

from jobs.lib.context import Context
from polyglot.core.errors import Faults, OverBudget, Permanent
from tests.kit.noop_jobs import note, times_run


def run(context: Context) -> None:
    note(context)
    params = context.stage.params
    if str(params["how"]).startswith("talk"):
        for i in range(1000):
            print("said", i, flush=True)
    if params["how"] == "need":
        held = [b"x" * (8 << 20) for _ in range(int(str(params["mib"])) // 8)]
        time.sleep(0.5)  # to be measured
        del held
    elif params["how"] == "fill":
        with (context.work / "much").open("wb") as file:
            file.write(b"x" * (int(str(params["mib"])) << 20))
        while (
            context.resources.scratch_bytes < int(str(params["mib"])) << 20
        ):  # whoever measures volumes does so rarely
            time.sleep(1)
            context.raise_if_stopping()
    elif "times" not in params or times_run(context) <= int(str(params["times"])):
        fail(context, str(params["how"]))
    (context.out / "text").write_text("at last")


def fail(context: Context, how: str) -> None:
    if how == "permanent":
        raise Permanent("this can never work")
    if how == "findings":
        raise Faults(["models.m: one thing", "long " * 200])
    if how == "budget":
        raise OverBudget("Raise budget.usd")
    if how == "error":
        raise RuntimeError("the network is down")
    if how == "bug":
        int(None)  # type: ignore[call-overload]
    if how == "exit":
        sys.exit(7)
    if how in ("kill", "talk-and-die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "lie":
        os._exit(0)
    if how == "lie-and-fail":
        os._exit(9)
    if how == "memory-error":
        raise MemoryError
    if how == "eat":
        eaten = []
        while len(eaten) < 100:  # 800 MiB, however late it is noticed
            eaten.append(b"x" * (8 << 20))
            time.sleep(0.005)
        time.sleep(3600)
    if how == "eat-in-child":
        subprocess.run([sys.executable, "-c", "a = b'x' * (300 << 20); import time; time.sleep(60)"], check=False)
    if how in ("stuck", "talk-and-hang"):  # deaf to SIGTERM, which only sets a flag
        while True:
            time.sleep(0.05)
    if how == "polite":
        while True:
            time.sleep(0.05)
            context.raise_if_stopping()
    if how == "syntax":
        exec("this is not Python")  # noqa: S102
    if how != "talk":
        raise AssertionError(how)
