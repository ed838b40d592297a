"""Tiny job kinds for tests of running: each does one thing, on real processes, in milliseconds.

Set POLYGLOT_JOBS_PACKAGE=tests.kit.noop_jobs. Every execution adds a line to the file that POLYGLOT_TEST_LEDGER names.
"""

import json
import os
import time
from pathlib import Path

from jobs.lib.context import Context


def note(context: Context, **facts: object) -> None:
    """Add a line to the ledger; one write, so that processes do not mix."""
    ledger = os.environ.get("POLYGLOT_TEST_LEDGER")
    if ledger:
        row = {"kind": context.stage.kind, "key": context.stage.key, "time": time.time(), "pid": os.getpid(), **facts}
        with Path(ledger).open("ab", buffering=0) as file:
            file.write(json.dumps(row).encode() + b"\n")


def times_run(context: Context) -> int:
    """How often this stage is in the ledger."""
    lines = Path(os.environ["POLYGLOT_TEST_LEDGER"]).read_text().splitlines()
    return sum(json.loads(line)["key"] == context.stage.key for line in lines)
