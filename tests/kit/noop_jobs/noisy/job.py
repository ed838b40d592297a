"""Writes `megabytes` of output, its last line without an end, and leaves `orphans` processes that end at once."""

import os
import sys

from jobs.lib.context import Context
from tests.kit.noop_jobs import note


def run(context: Context) -> None:
    for _ in range(int(str(context.stage.params.get("orphans", 0)))):
        if (child := os.fork()) == 0:
            if os.fork() == 0:
                os._exit(3)
            os._exit(0)
        os.waitpid(child, 0)
    line = "x" * 1023 + "\n"
    for _ in range(int(str(context.stage.params.get("megabytes", 0)))):
        sys.stdout.write(line * 1024)
    sys.stdout.write("no end of line")
    sys.stdout.flush()
    note(context)
    (context.out / "text").write_text("x")
