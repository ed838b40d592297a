"""Starts a thread when it is imported, as some libraries do; such a process must not be forked."""

import os
import threading
import time

from jobs.lib.context import Context
from tests.kit.noop_jobs import note

IMPORTED_IN = os.getpid()
threading.Thread(target=lambda: time.sleep(3600), daemon=True).start()


def run(context: Context) -> None:
    note(context, forked=os.getpid() != IMPORTED_IN)
    (context.out / "text").write_text("x")
